/** Numbers for people. */

const MINUS = '−'

const group = new Intl.NumberFormat('en-US')

export function count(value: number): string {
  return group.format(value)
}

/** A number with so many digits that matter, and no more than it has. */
export function brief(value: number, digits = 3): string {
  if (value === Number.NEGATIVE_INFINITY) return `${MINUS}∞`
  const text = Number(value.toPrecision(digits))
  const plain = Math.abs(text) >= 1e6 || (text !== 0 && Math.abs(text) < 1e-4)
  return (plain ? text.toExponential() : String(text)).replace('-', MINUS)
}

/** A share as per cent; what is there is never shown as nothing, nor what is not all as all. */
export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return '0 %'
  if (value < 0.001) return '< 0.001 %'
  if (value > 99.99 && value < 100) return '> 99.99 %'
  return `${value >= 10 ? value.toFixed(value > 99 && value < 100 ? 2 : 1) : value.toPrecision(2)} %`
}

/** The fewest digits that are this float32. */
export function float32Text(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)))
    if (Math.fround(Number(text)) === value) return text
  }
  return String(Number(value.toPrecision(9)))
}
