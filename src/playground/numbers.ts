/** Formats numbers for people. */

const MINUS = '−'

const group = new Intl.NumberFormat('en-US')

export function count(value: number): string {
  return group.format(value)
}

const superscripts = Object.fromEntries([...'-0123456789'].map((one, i) => [one, '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'[i]]))

/** A number with at most this many significant digits. */
export function brief(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return value < 0 ? `${MINUS}∞` : value > 0 ? '∞' : 'none'
  const rounded = Number(value.toPrecision(digits))
  const size = Math.abs(rounded)
  if (size >= 1e7 || (size !== 0 && size < 1e-4)) {
    const [factor, exponent] = rounded.toExponential().split('e') as [string, string]
    const power = Array.from(exponent, (one) => superscripts[one] ?? '').join('')
    return `${factor} · 10${power}`.replace('-', MINUS)
  }
  const text = size >= 1e4 ? group.format(rounded) : String(rounded)
  return text.replace('-', MINUS)
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
