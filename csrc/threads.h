/* Threads among which work is shared out; see threads.c. */
#ifndef TGI_THREADS_H
#define TGI_THREADS_H

enum { TGI_MOST_THREADS = 64 };

/* How many threads there can be, and how many there may be now (OMP_NUM_THREADS, threadpoolctl). */
int tgi_most_threads(void);
int tgi_threads_now(void);

/* Call share(what, 0) ... share(what, shares - 1), on this thread and others, and return when all are done. Where another
 * thread is doing the same just now, or none can be started, this one does it alone. */
void tgi_share_out(int shares, void (*share)(void *what, int t), void *what);

#endif
