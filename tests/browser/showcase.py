"""An answer with everything that models write."""

QUESTION = """Why does this print 0?

for n in range(3):
    if n:
        print(n)

```python
x = [1, 2]
```"""

ANSWER = r"""Start with the **quadratic formula**. For \(ax^2 + bx + c = 0\):

\[
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
\]

1. Put the numbers in
  - \(a = 1\), \(b = -3\)
  - \(c = 2\)
2. Then $$\begin{aligned} x_1 &= \frac{3 + 1}{2} = 2 \\ x_2 &= \frac{3 - 1}{2} = 1 \end{aligned}$$

$$f(x) = \begin{cases} x^2 & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases} \qquad
A = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \qquad \boxed{\sum_{i=1}^{n} i = \frac{n(n+1)}{2}}
\qquad \frac{\cancel{6}}{\cancel{3}}$$

Burning hydrogen: \(\ce{2H2 + O2 -> 2H2O}\). Water is H<sub>2</sub>O. A notebook costs $5, two cost $9.
This one is broken: \(\frac{1}\).

| Sense | Range | Example |
|:--|--:|:-:|
| sight | 380–750 nm | \(\lambda\) |
| hearing | 20–20,000 Hz | a piano |

```python
def mean(numbers):
    # of a list
    return sum(numbers) / len(numbers)
```

مرحبا بك! هذه جملة بالعربية فيها كلمة English في الوسط.

- قطة تعني cat
- cat تعني قطة

The fog comes
on little cat feet.
It sits looking
over harbor and city

- [x] read it aloud
- [ ] learn it[^1]

[^1]: Carl Sandburg, “Fog”.
"""
