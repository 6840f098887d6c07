/* Threads among which work is shared out; see threads.c. */
#ifndef TGI_THREADS_H
#define TGI_THREADS_H

enum { TGI_MOST_THREADS = 64 };

/* How many threads there can be, and how many there may be now (OMP_NUM_THREADS, threadpoolctl). */
int tgi_most_threads(void);
int tgi_threads_now(void);
extern const int tgi_openmp; /* whether OpenMP is asked; else the environment is */

/* On how many of `there` threads (one of the two above, not asked for small work) to do so many operations in at most so many
 * parts, where each thread is to have at least so many operations. */
int tgi_threads_for(double operations, double each, double parts, int (*there)(void));

/* Call part(what, 0, thread) ... part(what, parts - 1, thread), on this thread (its number is 0) and up to threads - 1
 * others, and return when all are done. Where another thread is doing the same just now, or none can be started, this one
 * does it alone. */
void tgi_share_out(int threads, int parts, void (*part)(void *what, int number, int thread), void *what);

#endif
