"""Minimax coefficients of the two exp polynomials in assembly/exp.ts and assembly/scalar.ts (needs mpmath).

exp(x) ~ 1 + ... with the low coefficients fixed, relative error minimised on |x| <= half.
Remez exchange: solve for the free coefficients and the levelled error on the reference
points, move the points to the extrema of the error, repeat. Usage: python3 remez.py
"""
from mpmath import mp, mpf, exp, log, matrix, lu_solve, linspace, nstr

mp.dps = 60


def remez(fixed, degree, half):
    first = len(fixed)
    free = degree - first + 1
    # The error vanishes at 0 to order `first`, so extrema exist on both sides of 0.
    def base(x):
        return sum(c * x ** k for k, c in enumerate(fixed))
    def error(c, x):
        return (base(x) + sum(c[i] * x ** (first + i) for i in range(free))) / exp(x) - 1
    count = free + 1
    points = [half * mp.cos(mp.pi * (count - 1 - i) / (count - 1)) for i in range(count)]
    points = [p if abs(p) > half / 50 else half / 50 for p in points]
    grid = [x for x in linspace(-half, half, 4001)]
    for _ in range(30):
        a, b = matrix(count, count), matrix(count, 1)
        sign = 1
        previous = None
        for row, x in enumerate(points):
            # x^first changes sign at 0 when `first` is odd: the Haar weight, so the levelled sign follows.
            weight = 1 if (x > 0 or first % 2 == 0) else -1
            for i in range(free):
                a[row, i] = x ** (first + i) / exp(x)
            a[row, free] = weight * (-1) ** row
            b[row] = 1 - base(x) / exp(x)
        solution = lu_solve(a, b)
        c = [solution[i] for i in range(free)]
        errors = [error(c, x) for x in grid]
        extrema = []
        for i in range(len(grid)):
            left = abs(errors[i - 1]) if i else -1
            right = abs(errors[i + 1]) if i + 1 < len(grid) else -1
            if abs(errors[i]) >= left and abs(errors[i]) > right and errors[i] != 0:
                extrema.append(i)
        best = sorted(extrema, key=lambda i: -abs(errors[i]))[:count]
        new = sorted(grid[i] for i in best)
        if len(new) < count or max(abs(p - q) for p, q in zip(new, points)) < half / 3000:
            points = new if len(new) == count else points
            break
        points = new
    return c, max(abs(e) for e in errors), min(abs(errors[i]) for i in best)


half = log(2) / 2 * mpf('1.0001')
for degree in (5,):
    c, worst, least = remez([mpf(1)], degree, half)
    print('f32 degree', degree, 'worst', nstr(worst, 4), 'least extremum', nstr(least, 4))
    for v in c: print('  ', nstr(v, 20))
for degree in (11,):
    c, worst, least = remez([mpf(1), mpf(1), mpf(1) / 2], degree, half)
    print('f64 degree', degree, 'worst', nstr(worst, 4), 'least extremum', nstr(least, 4))
    for v in c: print('  ', repr(float(v)))
