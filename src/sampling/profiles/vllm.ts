import { defineProfile } from './profile.ts'

export const vllm = defineProfile({
  name: 'vllm',
  title: 'vLLM',
  meaning: 'As vLLM samples: min-p before top-k and top-p. Tokens tied at top-k all stay.',
  reference: {
    title: 'vLLM, `vllm/v1/sample/sampler.py`',
    url: 'https://github.com/vllm-project/vllm/blob/main/vllm/v1/sample/sampler.py',
  },
  order: [
    'mask',
    'bad_words',
    'min_tokens',
    'logit_bias',
    'repetition_penalty',
    'frequency_penalty',
    'presence_penalty',
    'temperature',
    'min_p',
    'top_k',
    'top_p',
  ],
  rules: {
    bad_words: { scope: 'output' },
    logit_bias: { limit: 100 },
    temperature: { floor: 0.01 },
    top_k: { ties: 'all' },
  },
})
