import { defineProfile } from './profile.ts'

export const transformers = defineProfile({
  name: 'transformers',
  title: 'Hugging Face transformers',
  meaning:
    'As transformers samples: temperature, then top-k, top-p and min-p. Tokens tied at top-k all stay. Temperature 0 is its do_sample=False.',
  reference: {
    title: 'transformers, `generation/utils.py`, `_get_logits_processor`',
    url: 'https://github.com/huggingface/transformers/blob/main/src/transformers/generation/utils.py',
  },
  order: [
    'guidance',
    'logit_bias',
    'sequence_bias',
    'encoder_repetition_penalty',
    'repetition_penalty',
    'no_repeat_ngram',
    'bad_words',
    'min_tokens',
    'mask',
    'length_penalty',
    'temperature',
    'top_h',
    'top_k',
    'top_p',
    'min_p',
    'typical_p',
    'epsilon_cutoff',
    'eta_cutoff',
  ],
  rules: {
    bad_words: { spares_stop: true },
    mask: { forces_allowed: true },
    top_h: { keeps_minimum: false },
    top_k: { ties: 'all' },
    typical_p: { ties: 'all' },
    epsilon_cutoff: { ties: 'all' },
    eta_cutoff: { ties: 'all' },
  },
})
