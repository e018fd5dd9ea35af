/** Bytes of an element of each dtype. */
export const widths = { float32: 4, float64: 8, float16: 2, bfloat16: 2 } as const

export type Dtype = keyof typeof widths
export const dtypes = Object.keys(widths) as [Dtype, ...Dtype[]]
