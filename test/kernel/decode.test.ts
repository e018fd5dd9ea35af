import { describe, expect, it } from 'vitest'
import { BLOCK, kernel, memory } from '../../src/kernel/index.ts'
import { layOut } from '../../src/kernel/memory.ts'
import { gaussian, seeded } from '../sampling/rows.ts'

const ENTRIES = 65_536
const [laidOut] = layOut(1, ENTRIES)
const { row, logits: sources, views } = laidOut!
const random = seeded(3)
const UNTOUCHED = 1.5

/** Decodes elements at an address that is `shift` bytes off any alignment. Checks that nothing after the last is written. */
function decode(
  type: 'Float16' | 'Bfloat16' | 'Float64',
  elements: Uint16Array | Float64Array,
  shift = 0,
) {
  const source = sources + shift
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength)
  new Uint8Array(memory.buffer).set(bytes, source)
  views.row.fill(UNTOUCHED)
  kernel[`decode${type}`](source, elements.length, row)
  expect(views.row.subarray(elements.length).every((entry) => entry === UNTOUCHED)).toBe(true)
  return views.row.slice(0, elements.length)
}

const halves = Uint16Array.from({ length: ENTRIES }, (_, bits) => bits)
const asFloat16 = (bits: Uint16Array) =>
  new Float32Array(new Float16Array(bits.buffer, bits.byteOffset, bits.length))
const asBfloat16 = (bits: Uint16Array) =>
  new Float32Array(Uint32Array.from(bits, (upper) => upper << 16).buffer)

describe('decoders', () => {
  it('decode every float16', () => {
    expect(decode('Float16', halves)).toEqual(asFloat16(halves))
    // Every float16 in every lane and in the remainder, next to others.
    const shuffled = halves.map(() => random() * ENTRIES)
    expect(decode('Float16', shuffled)).toEqual(asFloat16(shuffled))
    for (const bits of halves) {
      const [own] = decodeOne(bits)
      if (!Object.is(own, asFloat16(Uint16Array.of(bits))[0])) expect(own).toBe(bits)
    }
  })

  it('decode every bfloat16', () => {
    const expected = new Uint32Array(asBfloat16(halves).buffer)
    expect(new Uint32Array(decode('Bfloat16', halves).buffer)).toEqual(expected)
  })

  it('round float64 to the nearest float32, ties to even', () => {
    const float32 = new Float32Array(1)
    const word = new Uint32Array(float32.buffer)
    const values = [0, -0, 5e-324, 1e39, -1e39, 3.4028235677973366e38, 3.4028235677973362e38]
    values.push(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** -150, 1e-45)
    while (values.length < 20_000) {
      word[0] = random() * 2 ** 32
      const value = float32[0]!
      word[0]++
      const middle = (value + float32[0]!) / 2
      values.push(value, middle, middle * (1 + 2 ** -52), middle * (1 - 2 ** -52), gaussian(random))
    }
    const given = Float64Array.from(values)
    expect(decode('Float64', given)).toEqual(new Float32Array(given))
  })

  it('take any length and alignment', () => {
    for (let n = 0; n < 40; n++) {
      for (let shift = 0; shift < 9; shift++) {
        const bits = halves.slice(0, n).map(() => random() * ENTRIES)
        expect(decode('Float16', bits, shift)).toEqual(asFloat16(bits))
        expect(decode('Bfloat16', bits, shift)).toEqual(asBfloat16(bits))
        const wide = Float64Array.from({ length: n }, () => gaussian(random) * 1e3)
        expect(decode('Float64', wide, shift)).toEqual(new Float32Array(wide))
      }
    }
  })
})

function decodeOne(bits: number): Float32Array {
  new DataView(memory.buffer).setUint16(sources, bits, true)
  kernel.decodeFloat16(sources, 1, row)
  return views.row.subarray(0, 1)
}

it('the first entry that is no logit is found at any place', () => {
  const largest = 3.4028234663852886e38
  const place = (n: number) => {
    views.row.fill(Number.NaN)
    views.row.fill(Number.NEGATIVE_INFINITY, 0, Math.ceil(n / BLOCK) * BLOCK)
    for (let i = 0; i < n; i++) views.row[i] = i % 3 ? gaussian(random) : -largest * (i % 2)
  }
  for (const n of [1, 15, 16, 17, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK]) {
    place(n)
    views.row[n - 1] = largest
    expect(kernel.findNotLogit(row, n)).toBe(-1)
    for (let at = 0; at < n; at++) {
      place(n)
      views.row[n - 1] = Number.NaN
      views.row[at] = at % 2 ? Number.NaN : Number.POSITIVE_INFINITY
      expect(kernel.findNotLogit(row, n)).toBe(at)
    }
  }
  place(BLOCK)
  new Uint32Array(memory.buffer, row, BLOCK)[5] = 0xffc00000 // NaN with its sign set
  expect(kernel.findNotLogit(row, BLOCK)).toBe(5)
  expect(kernel.findNotLogit(row, 0)).toBe(-1)
})
