import { kelvinOrder } from '../order.ts'
import { defineProfile } from '../profile.ts'

export const kelvin = defineProfile({
  name: 'kelvin',
  title: 'Kelvin',
  meaning: 'Every sampler, temperature before truncation, ties decided by the lower token id.',
  reference: { title: 'The order of steps', url: '/v1/samplers' },
  order: kelvinOrder,
  rules: {},
})
