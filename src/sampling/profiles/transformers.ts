import { defineProfile } from '../profile.ts'

export const transformers = defineProfile({
  name: 'transformers',
  title: 'Hugging Face transformers',
  meaning:
    'As transformers samples: temperature, top-k, top-p, min-p, and ties at top-k all kept; temperature 0 is its do_sample=False.',
  reference: {
    title: 'transformers, `generation/utils.py`, `_get_logits_processor`',
    url: 'https://github.com/huggingface/transformers/blob/main/src/transformers/generation/utils.py',
  },
  order: ['logit_bias', 'mask', 'temperature', 'top_k', 'top_p', 'min_p'],
  rules: { top_k: { ties: 'all' } },
})
