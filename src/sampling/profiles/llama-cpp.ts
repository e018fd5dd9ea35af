import { defineProfile } from '../profile.ts'

export const llamaCpp = defineProfile({
  name: 'llama.cpp',
  title: 'llama.cpp',
  meaning:
    'As llama.cpp samples: truncation first, on the untempered distribution, and temperature last.',
  reference: {
    title: 'llama.cpp, `common/sampling.cpp`',
    url: 'https://github.com/ggml-org/llama.cpp/blob/master/common/sampling.cpp',
  },
  order: ['mask', 'logit_bias', 'top_k', 'top_p', 'min_p', 'temperature'],
  rules: {},
})
