import { expect, it } from 'vitest'
import { fromFragment, packRow, toFragment, unpackLogits } from '../../src/playground/link.ts'
import { float32Text } from '../../src/playground/numbers.ts'
import { placeOf, temperatureAt } from '../../src/playground/scale.ts'
import { readRow } from '../golden/read.ts'

it('keeps a state exactly', async () => {
  const logits = readRow({ file: 'synth_32000', row: 1 })
  const state = {
    fields: { temperature: 0.7, order: ['top_p', 'temperature'], seed: '18446744073709551615' },
    ...packRow({ name: 'mine', logits }),
    words: { 3: ' wörd' },
    inspected: 3,
  }
  const linked = await fromFragment(await toFragment(state))
  expect(linked).toEqual(state)
  expect(unpackLogits(linked.logits!)).toEqual(logits)
})

it.each(['', 'AAAA', '%%%', 'x'.repeat(1000)])('explains a damaged link: %s', async (fragment) => {
  await expect(fromFragment(fragment)).rejects.toThrow('damaged')
})

it('writes each float32 so that it is read as the same', () => {
  const bits = new Uint32Array(20_000).map((_, i) => i * 104_729)
  for (const value of new Float32Array(bits.buffer)) {
    if (Number.isFinite(value)) expect(Math.fround(Number(float32Text(value)))).toBe(value)
  }
})

it('each temperature of the slider has its place', () => {
  for (let place = 0; place <= 1; place += 0.01) {
    expect(placeOf(temperatureAt(place))).toBeCloseTo(place, 1)
  }
  expect([temperatureAt(0), temperatureAt(1), placeOf(50)]).toEqual([0, 3, 1])
  // Half of the slider is for low temperatures.
  expect(temperatureAt(0.5)).toBeLessThan(0.6)
})
