/** Formats numbers for people. */

const MINUS = '−'

const group = new Intl.NumberFormat('en-US')

export function count(value: number): string {
  return group.format(value)
}

/** A number with at most this many significant digits. */
export function brief(value: number, digits = 3): string {
  if (value === Number.NEGATIVE_INFINITY) return `${MINUS}∞`
  const text = Number(value.toPrecision(digits))
  const plain = Math.abs(text) >= 1e6 || (text !== 0 && Math.abs(text) < 1e-4)
  return (plain ? text.toExponential() : String(text)).replace('-', MINUS)
}

/** A share in per cent. Only 0 is shown as 0 %, and only 1 as 100 %. */
export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return '0 %'
  if (value < 0.001) return '< 0.001 %'
  if (value > 99.99 && value < 100) return '> 99.99 %'
  return `${value >= 10 ? value.toFixed(value > 99 && value < 100 ? 2 : 1) : value.toPrecision(2)} %`
}

/** The shortest decimal that rounds to this float32. */
export function float32Text(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)))
    if (Math.fround(Number(text)) === value) return text
  }
  return String(Number(value.toPrecision(9)))
}
