import { defineProfile } from './profile.ts'

export const llamaCpp = defineProfile({
  name: 'llama.cpp',
  title: 'llama.cpp',
  meaning:
    'As llama.cpp samples: truncation first, on the distribution without temperature, and temperature last.',
  reference: {
    title: 'llama.cpp, `common/sampling.cpp`',
    url: 'https://github.com/ggml-org/llama.cpp/blob/master/common/sampling.cpp',
  },
  order: [
    'mask',
    'logit_bias',
    'repetition_penalty',
    'frequency_penalty',
    'presence_penalty',
    'dry',
    'top_n_sigma',
    'top_k',
    'typical_p',
    'top_p',
    'min_p',
    'xtc',
    'temperature',
    'adaptive_p',
  ],
  takeovers: { mirostat: ['mask', 'logit_bias', 'temperature', 'mirostat'] },
  takeoverRules: { temperature: { dynamic: false } },
  rules: {
    mirostat: { keeps_minimum: false },
    frequency_penalty: { scope: 'all' },
    presence_penalty: { scope: 'all' },
    temperature: { counts_masked: true },
    top_k: { keeps_minimum: false },
    top_n_sigma: { keeps_minimum: false, masks: true },
    typical_p: { strict: true },
    xtc: { counts_masked: true },
  },
})
