/* Reading and writing a part of a vector where the instruction set can: `count` words of 4 bytes. And two pieces of 16 bytes
 * side by side. The only intrinsics. */
#if VECTOR_BYTES == 64
typedef __m512i words;
static inline words load_words(const void *from, size_t count) {
    return _mm512_maskz_loadu_epi32((__mmask16)((1u << count) - 1), from);
}
static inline void store_words(void *to, size_t count, words v) {
    _mm512_mask_storeu_epi32(to, (__mmask16)((1u << count) - 1), v);
}
#elif VECTOR_BYTES == 32
typedef __m256i words;
static inline words first_words(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline words load_words(const void *from, size_t count) { return _mm256_maskload_epi32(from, first_words(count)); }
static inline void store_words(void *to, size_t count, words v) { _mm256_maskstore_epi32(to, first_words(count), v); }
#endif

#if VECTOR_BYTES > 16
static inline __m256i load_two(const void *low, const void *high) { /* gcc would load and then shuffle */
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
}
#endif
