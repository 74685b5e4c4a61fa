/* Every intrinsic that rustup's target takes from compiler-rt's C sources, called by its name and judged. */
#include <complex.h>
#include <stdint.h>

typedef __int128 i128;
int __popcountdi2(int64_t), __popcountsi2(int32_t), __popcountti2(i128);
int __paritydi2(int64_t), __paritysi2(int32_t), __parityti2(i128);
int __cmpdi2(int64_t, int64_t), __ucmpdi2(uint64_t, uint64_t), __cmpti2(i128, i128), __ucmpti2(unsigned __int128, unsigned __int128);
int __ffsti2(i128);
int64_t __absvdi2(int64_t), __addvdi3(int64_t, int64_t), __subvdi3(int64_t, int64_t), __mulvdi3(int64_t, int64_t), __negvdi2(int64_t), __negdi2(int64_t);
int32_t __absvsi2(int32_t), __addvsi3(int32_t, int32_t), __subvsi3(int32_t, int32_t), __mulvsi3(int32_t, int32_t), __negvsi2(int32_t);
i128 __absvti2(i128), __addvti3(i128, i128), __subvti3(i128, i128), __mulvti3(i128, i128), __negvti2(i128), __negti2(i128);
i128 __muloti4(i128, i128, int *), __multi3(i128, i128), __divti3(i128, i128), __modti3(i128, i128);
int64_t __mulodi4(int64_t, int64_t, int *);
double _Complex __muldc3(double, double, double, double), __divdc3(double, double, double, double);
float _Complex __mulsc3(float, float, float, float), __divsc3(float, float, float, float);

uint64_t call_intrinsics(uint64_t n)
{
    int overflow = 0, right = 1;
    i128 big = (i128)n << 64;
    right &= __popcountdi2(n) == 8 && __popcountsi2(n) == 8 && __popcountti2(big) == 8;
    right &= __paritydi2(n) == 0 && __paritysi2(n) == 0 && __parityti2(big | 1) == 1;
    right &= __cmpdi2(n, 1) == 2 && __ucmpdi2(1, n) == 0 && __cmpti2(big, big) == 1 && __ucmpti2(big, 1) == 2;
    right &= __ffsti2(big) == 64 + 5;
    right &= __absvdi2(-5) == 5 && __addvdi3(n, 1) == (int64_t)n + 1 && __subvdi3(n, 1) == (int64_t)n - 1 && __mulvdi3(n, 2) == (int64_t)n * 2 && __negvdi2(n) == -(int64_t)n && __negdi2(n) == -(int64_t)n;
    right &= __absvsi2(-5) == 5 && __addvsi3(2, 3) == 5 && __subvsi3(2, 3) == -1 && __mulvsi3(2, 3) == 6 && __negvsi2(2) == -2;
    right &= __absvti2(-big) == big && __addvti3(big, 1) == big + 1 && __subvti3(big, 1) == big - 1 && __mulvti3(big, 2) == big * 2 && __negvti2(big) == -big && __negti2(big) == -big;
    right &= __muloti4(big, 2, &overflow) == big * 2 && !overflow && __multi3(big, 2) == big * 2 && __divti3(big, n) == (i128)1 << 64 && __modti3(big, n) == 0;
    right &= __mulodi4(n, 2, &overflow) == (int64_t)n * 2 && !overflow;
    right &= creal(__muldc3(1, 2, 3, 4)) == -5 && cimag(__divdc3(1, 0, 0, 1)) == -1;
    right &= crealf(__mulsc3(1, 2, 3, 4)) == -5 && cimagf(__divsc3(1, 0, 0, 1)) == -1;
    return right ? __popcountdi2(n) : 0;
}
