import { defineProfile } from './profile.ts'

export const kelvin = defineProfile({
  name: 'kelvin',
  title: 'Kelvin',
  meaning: 'Every sampler, temperature before truncation. Of tied tokens, the lower id goes first.',
  reference: { title: 'The order of steps', url: '/v1/samplers' },
  order: [
    // Masks and biases by token.
    'guidance',
    'mask',
    'logit_bias',
    'min_tokens',
    'sequence_bias',
    'bad_words',
    // Penalties by history.
    'repetition_penalty',
    'frequency_penalty',
    'presence_penalty',
    'encoder_repetition_penalty',
    'dry',
    'no_repeat_ngram',
    'length_penalty',
    // Shape of the distribution.
    'temperature',
    'smoothing',
    // Truncation.
    'top_n_sigma',
    'top_h',
    'top_k',
    'typical_p',
    'top_p',
    'min_p',
    'epsilon_cutoff',
    'eta_cutoff',
    'top_a',
    'tfs',
    'p_less',
    'xtc',
    // Samplers that follow the drawn tokens.
    'mirostat',
    'adaptive_p',
  ],
  rules: {},
})
