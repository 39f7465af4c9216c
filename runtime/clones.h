/* clones.h: SB_CLONES before a function has it compiled for several instruction sets; the loader
   takes the best that the machine has. For loops over floats that the compiler makes vectors of.
   Not under the sanitizers, which are not ready yet when the loader asks. */
#ifndef SB_CLONES_H
#define SB_CLONES_H

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&       \
    !defined(__SANITIZE_ADDRESS__)
#define SB_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SB_CLONES
#endif

/* Before the parts of such a function: what is not inlined is compiled for the least machine only.
 */
#define SB_PART static inline __attribute__((always_inline))

#endif
