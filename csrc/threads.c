/* The threads that share a large product out among them.
 *
 * They are of this library and not OpenMP's: those of a process do not go along when it forks, and a child that asks for
 * them waits for ever. Here the child knows that it has none and starts its own. How many there may be is asked of OpenMP
 * all the same (where there is one), so that OMP_NUM_THREADS and threadpoolctl work as users expect; no parallel region
 * is ever entered. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#if !defined(_WIN32) /* where MinGW has POSIX's threads, but neither its signals nor fork */
#include <signal.h>
#include <unistd.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

static int processors(void) {
#if defined(_WIN32)
    const long found = pthread_num_processors_np();
#else
    const long found = sysconf(_SC_NPROCESSORS_ONLN);
#endif
    return found < 1 ? 1 : found > TGI_MOST_THREADS ? TGI_MOST_THREADS : (int)found;
}

int tgi_most_threads(void) {
    static atomic_int known;
    int most = atomic_load_explicit(&known, memory_order_relaxed);
    if (most == 0) {
        most = processors();
        atomic_store_explicit(&known, most, memory_order_relaxed);
    }
    return most;
}

#if defined(_OPENMP)
const int tgi_openmp = 1;
#else
const int tgi_openmp = 0;
#endif

int tgi_threads_now(void) {
#if defined(_OPENMP)
    const int now = omp_in_parallel() ? 1 : omp_get_max_threads();
#else
    const char *asked = getenv("OMP_NUM_THREADS");
    const int given = asked ? atoi(asked) : 0, now = given > 0 ? given : tgi_most_threads();
#endif
    const int most = tgi_most_threads();
    return now < most ? now : most;
}

int tgi_threads_for(double operations, double each, double parts, int (*there)(void)) {
    const double worth = operations / each, most = parts < worth ? parts : worth;
    if (most < 2)
        return 1;
    const int now = there();
    return most < now ? (int)most : now;
}

/* How often a thread that has nothing to do looks again before it goes to sleep: some 50 us, longer than what lies between
 * two products of a training step, and short beside a scheduler's slice. */
enum { LOOKS = 2000 };

static struct {
    pthread_mutex_t turn;     /* held by the thread that uses the pool; who finds it taken works alone */
    pthread_mutex_t sleeping; /* guards what the conditions tell */
    pthread_cond_t wake, finished;
    int started, asleep;      /* threads of the pool, and how many of them wait for a job */
    int avoided;              /* the processor on which none of them may run, if any; counted from one */
    pthread_t thread[TGI_MOST_THREADS];
    void (*part)(void *, int, int);
    void *what;
    /* For each thread the parts that it takes first: the number of the job, the end of those parts, and the next that
     * nobody has taken, in one word (24, 20 and 20 bits). So who takes a part knows that it is one of that job, which then
     * cannot end before the part is done. The first word is the last to be written. */
    struct {
        _Alignas(64) atomic_ullong job;
    } share[TGI_MOST_THREADS];
    atomic_int done;    /* parts */
    atomic_int parts;   /* of the job */
    atomic_int threads; /* how many may take part in it: those of lower numbers */
    atomic_int waiting; /* whether the thread whose job it is waits for its end */
} pool = {.turn = PTHREAD_MUTEX_INITIALIZER, .sleeping = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
          .finished = PTHREAD_COND_INITIALIZER};

static inline void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

enum { MOST_PARTS = 0xfffff };
static inline unsigned number_of(unsigned long long job) { return (unsigned)(job >> 40); }
static inline int end_of(unsigned long long job) { return (int)(job >> 20 & MOST_PARTS); }
static inline int next_of(unsigned long long job) { return (int)(job & MOST_PARTS); }

/* Parts are taken one by one, first one's own, which were one's own in the job before and the data of which may be near,
 * then those of the others: a thread that comes late, or is held up elsewhere, does not keep them waiting. */
static void take_parts(unsigned number, int thread) {
    const int threads = atomic_load(&pool.threads);
    if (thread >= threads)
        return;
    for (int i = 0; i < threads; i++) {
        atomic_ullong *const share = &pool.share[(thread + i) % threads].job;
        unsigned long long job = atomic_load(share);
        while (number_of(job) == number && next_of(job) < end_of(job))
            if (atomic_compare_exchange_weak(share, &job, job + 1)) {
                const int parts = atomic_load(&pool.parts);
                pool.part(pool.what, next_of(job), thread);
                if (atomic_fetch_add(&pool.done, 1) + 1 == parts && atomic_load(&pool.waiting)) {
                    pthread_mutex_lock(&pool.sleeping);
                    pthread_cond_signal(&pool.finished);
                    pthread_mutex_unlock(&pool.sleeping);
                }
                job = atomic_load(share);
            }
    }
}

/* Until all parts are done, those of others, too. */
static void wait_for_end(int parts) {
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&pool.done) == parts)
            return;
        rest();
    }
    pthread_mutex_lock(&pool.sleeping);
    atomic_store(&pool.waiting, 1);
    while (atomic_load(&pool.done) < parts)
        pthread_cond_wait(&pool.finished, &pool.sleeping);
    atomic_store(&pool.waiting, 0);
    pthread_mutex_unlock(&pool.sleeping);
}

/* Until there is a job after this one; returns its number. */
static unsigned wait_for_job(unsigned last) {
    for (int i = 0; i < LOOKS; i++) {
        const unsigned number = number_of(atomic_load(&pool.share[0].job));
        if (number != last)
            return number;
        rest();
    }
    pthread_mutex_lock(&pool.sleeping);
    pool.asleep++;
    while (number_of(atomic_load(&pool.share[0].job)) == last)
        pthread_cond_wait(&pool.wake, &pool.sleeping);
    pool.asleep--;
    pthread_mutex_unlock(&pool.sleeping);
    return number_of(atomic_load(&pool.share[0].job));
}

/* Threads of the pool run elsewhere than the one whose job it is. Linux likes to wake a thread where it is called from, even
 * if another processor is idle, and leaves it there for milliseconds: of two threads with jobs of 300 us, one stood still. */
static void keep_away(void) {
#if defined(__linux__)
    const int here = sched_getcpu();
    cpu_set_t allowed;
    if (here < 0 || here + 1 == pool.avoided || sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    CPU_CLR(here, &allowed);
    if (CPU_COUNT(&allowed) == 0)
        return;
    for (int i = 0; i < pool.started; i++)
        pthread_setaffinity_np(pool.thread[i], sizeof allowed, &allowed);
    pool.avoided = here + 1;
#endif
}

/* `born` says which number the thread has (8 bits) and after which job it came. */
static void *work(void *born) {
    for (unsigned number = (unsigned)((size_t)born >> 8);;) {
        number = wait_for_job(number);
        take_parts(number, (int)((size_t)born & 0xff));
    }
    return NULL;
}

#if defined(_WIN32)
static int prepare_for_forks(void) { return 0; }

static int begin(pthread_t *thread, size_t born) { return pthread_create(thread, NULL, work, (void *)born); }
#else
/* A child has the memory of the pool, but not its threads. */
static void forked(void) {
    pthread_mutex_init(&pool.turn, NULL);
    pthread_mutex_init(&pool.sleeping, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pthread_cond_init(&pool.finished, NULL);
    pool.started = pool.asleep = pool.avoided = 0;
    atomic_store(&pool.waiting, 0);
}

static int prepare_for_forks(void) { return pthread_atfork(NULL, NULL, forked); }

static int begin(pthread_t *thread, size_t born) {
    sigset_t all, before;
    sigfillset(&all); /* signals are the business of the threads that were there before */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(thread, NULL, work, (void *)born);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}
#endif

/* Start threads until there are so many, or as many as the system grants; called by whose turn it is. */
static void grow(int wanted) {
    static int registered;
    if (!registered) {
        if (prepare_for_forks() != 0)
            return;
        registered = 1;
    }
    while (pool.started < wanted) {
        const size_t born = (size_t)number_of(atomic_load(&pool.share[0].job)) << 8 | (size_t)(pool.started + 1);
        if (begin(&pool.thread[pool.started], born) != 0)
            break;
        pthread_detach(pool.thread[pool.started]);
        pool.started++;
        pool.avoided = 0; /* by this one */
        keep_away();
    }
}

void tgi_share_out(int threads, int parts, void (*part)(void *what, int number, int thread), void *what) {
    if (threads < 2 || parts < 2 || parts > MOST_PARTS || pthread_mutex_trylock(&pool.turn) != 0) {
        for (int i = 0; i < parts; i++)
            part(what, i, 0);
        return;
    }
    if (threads > TGI_MOST_THREADS)
        threads = TGI_MOST_THREADS;
    grow((parts < threads ? parts : threads) - 1);
    const unsigned number = number_of(atomic_load(&pool.share[0].job) + (1ull << 40));
    pool.part = part;
    pool.what = what;
    atomic_store(&pool.parts, parts);
    atomic_store(&pool.threads, threads);
    atomic_store(&pool.done, 0);
    for (int i = threads - 1; i >= 0; i--) {
        const unsigned long long begin = (unsigned long long)parts * (unsigned)i / (unsigned)threads;
        const unsigned long long end = (unsigned long long)parts * (unsigned)(i + 1) / (unsigned)threads;
        atomic_store(&pool.share[i].job, (unsigned long long)number << 40 | end << 20 | begin);
    }
    pthread_mutex_lock(&pool.sleeping);
    if (pool.asleep > 0) {
        keep_away();
        pthread_cond_broadcast(&pool.wake);
    }
    pthread_mutex_unlock(&pool.sleeping);
    take_parts(number, 0);
    wait_for_end(parts);
    pthread_mutex_unlock(&pool.turn);
}
