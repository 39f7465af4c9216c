/* suggest.h: "did you mean": the edit distance behind every near-miss suggestion. */
#ifndef SB_SUGGEST_H
#define SB_SUGGEST_H

/* Damerau-Levenshtein distance (optimal string alignment) of the first 64 bytes, letter case
   ignored: insertions, deletions, substitutions and swaps of neighbours count 1 each. */
int sb_edit_distance(const char *a, const char *b);

#endif
