import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { uniforms } from '../../src/sampling/philox.ts'

interface Printed {
  seed: string
  stream: string
  step: string
  purpose: number
  values: number[]
}

const printed: Printed[] = JSON.parse(
  readFileSync(new URL('../golden/philox.json', import.meta.url), 'utf8'),
)

describe('uniforms', () => {
  it.each(printed)('are NumPy’s, bit for bit: $seed $stream $step $purpose', (address) => {
    const { seed, stream, step, purpose, values } = address
    const own = uniforms(
      { seed: BigInt(seed), stream: BigInt(stream), step: BigInt(step), purpose: BigInt(purpose) },
      values.length,
    )
    expect(Array.from(own)).toEqual(values)
  })

  it('of a longer sequence begin with those of a shorter one', () => {
    const address = { seed: 1n, stream: 2n, step: 3n, purpose: 0n }
    expect(uniforms(address, 11).subarray(0, 6)).toEqual(uniforms(address, 6))
  })
})
