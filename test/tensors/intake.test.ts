import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { release, reserve, reserved } from '../../src/kernel/arena.ts'
import { type Dtype, dtypes } from '../../src/tensors/dtypes.ts'
import { Elements } from '../../src/tensors/elements.ts'
import { Intake } from '../../src/tensors/intake.ts'
import { toFloat32 } from '../../src/tensors/load.ts'
import { gaussian, realisticRow, seeded } from '../sampling/rows.ts'
import { run } from '../sampling/run.ts'

const random = seeded(11)
const encode: Record<Dtype, (values: number[]) => ArrayBufferView> = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  float16: (values) => Float16Array.from(values),
  bfloat16: (values) =>
    Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (word) => word >>> 16),
}

function bytesOf(dtype: Dtype, count: number): Uint8Array {
  const values = Array.from({ length: count }, () => gaussian(random) * 4)
  const { buffer, byteOffset, byteLength } = encode[dtype](values)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function* pieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const length = lengths.length > 0 ? lengths[i % lengths.length]! : bytes.length
    yield bytes.slice(at, at + length)
    at += length
  }
}

afterEach(() => {
  expect(reserved()).toBe(0)
})

describe('an intake', () => {
  it('makes the rows of a tensor, in any pieces', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...dtypes),
        fc.integer({ min: 1, max: 5 }),
        fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(4096, 8193)),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })), {
          maxLength: 6,
        }),
        (dtype, rows, vocabSize, lengths) => {
          const bytes = bytesOf(dtype, rows * vocabSize)
          const whole = toFloat32(new Elements(dtype, [bytes], rows * vocabSize))
          const intake = Intake.open(dtype, rows, vocabSize)!
          for (const piece of pieces(bytes, lengths)) intake.push(piece)
          for (const [row, elements] of intake.finish().entries()) {
            const expected = whole.subarray(row * vocabSize, (row + 1) * vocabSize)
            expect(toFloat32(elements)).toEqual(expected)
          }
          intake.release()
        },
      ),
    )
  })

  it('keeps its rows when the memory grows', () => {
    const row = realisticRow(50_000, random)
    const bytes = new Uint8Array(row.buffer)
    const intake = Intake.open('float32', 1, row.length)!
    intake.push(bytes.subarray(0, 77_777))
    run(realisticRow(900_000, random), { top_k: 5 })
    intake.push(bytes.subarray(77_777))
    expect(toFloat32(intake.finish()[0]!)).toEqual(row)
    intake.release()
  })

  it('has rows that give the same answers in place as elsewhere', () => {
    const row = realisticRow(50_000, random)
    const draw = { seed: 3n, n: 5 }
    for (const params of [
      { temperature: 0 },
      { temperature: 0.8, top_p: 0.95 },
      { top_p: 0.999, logprobs_mode: 'raw', top_logprobs: 3 },
      { banned_token_ids: [1, 2, 3], top_k: 7, trace: true, watch_token_ids: [5] },
    ] as const) {
      const intake = Intake.open('float32', 1, row.length)!
      intake.push(new Uint8Array(row.buffer))
      expect(run(intake.finish()[0]!, params as object, draw)).toEqual(
        run(row, params as object, draw),
      )
      intake.release()
    }
  })

  it('names the element that is no logit', () => {
    const intake = Intake.open('float16', 1, 5000)!
    intake.push(new Uint8Array(new Float16Array(5000).fill(Number.NaN, 4321, 4322).buffer))
    expect(() => run(intake.finish()[0]!, {})).toThrow(/index 4321, got NaN/)
    intake.release()
  })

  it('is undefined if the arena is full', () => {
    expect(Intake.open('float32', 4096, 100_000)).toBeUndefined()
  })
})

it('the arena’s regions do not overlap, and all are free at the end', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 9_000_000 }), fc.nat(9))), (steps) => {
      const held: { offset: number; length: number }[] = []
      for (const [bytes, which] of steps) {
        const region = reserve(bytes)
        if (region) {
          for (const { offset, length } of held) {
            expect(
              region.offset + region.length <= offset || offset + length <= region.offset,
            ).toBe(true)
          }
          held.push(region)
        }
        if (which < held.length) release(held.splice(which, 1)[0]!)
      }
      expect(reserved()).toBe(held.reduce((sum, { length }) => sum + length, 0))
      for (const region of held) release(region)
      expect(reserved()).toBe(0)
    }),
  )
  const all = reserve(32 * 2 ** 20)!
  expect(all).toBeDefined()
  release(all)
})
