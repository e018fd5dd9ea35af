/**
 * Names of fields in OpenAI's API, vLLM, llama.cpp, transformers, koboldcpp, text-generation-webui, TGI, Ollama,
 * SGLang, TensorRT-LLM and exllama, and what Kelvin has instead. Kelvin's fields are in backticks.
 */

export interface Alias {
  /** Names in other APIs. Case, `_` and `-` are ignored. */
  readonly names: readonly string[]
  /** The field that means the same. */
  readonly use?: string
  /** What to do instead, as a sentence without its period. */
  readonly says?: string
}

const LOOP = 'Kelvin draws one step; the caller runs the loop and decides when it ends'
const TEXT = 'Kelvin sees token ids and no text; the caller tokenises'
const NOTHING = 'it does not change a draw; leave it out'

export const aliases: readonly Alias[] = [
  // Temperature
  { names: ['temp', 'sampling_temperature', 'softmax_temperature'], use: 'temperature' },
  {
    names: ['do_sample', 'greedy', 'greedy_sampling', 'use_greedy', 'deterministic'],
    says: '`temperature: 0` takes the most likely token, and any other temperature draws',
  },
  {
    names: [
      'dynatemp_low',
      'dynatemp_high',
      'dynatemp_min',
      'dynatemp_max',
      'min_temp',
      'max_temp',
    ],
    says: 'use `temperature` for the middle of the range, and `dynatemp_range` for half its width',
  },
  {
    names: ['dynamic_temperature', 'dynatemp', 'dynamic_temperature_range', 'temperature_range'],
    use: 'dynatemp_range',
  },
  {
    names: ['dynatemp_exp', 'temp_exponent', 'dynamic_temperature_exponent'],
    use: 'dynatemp_exponent',
  },
  { names: ['quadratic', 'quadratic_sampling', 'smoothing'], use: 'smoothing_factor' },
  // Truncation
  { names: ['k', 'top_k_sampling', 'sampling_topk'], use: 'top_k' },
  { names: ['p', 'nucleus', 'nucleus_p', 'nucleus_sampling', 'sampling_topp'], use: 'top_p' },
  {
    names: ['typical', 'typ_p', 'typical_mass', 'typical_sampling', 'locally_typical'],
    use: 'typical_p',
  },
  { names: ['tfs_z', 'tail_free', 'tail_free_sampling'], use: 'tfs' },
  { names: ['nsigma', 'sigma'], use: 'top_n_sigma' },
  { names: ['epsilon', 'epsilon_sampling'], use: 'epsilon_cutoff' },
  { names: ['eta', 'eta_sampling'], use: 'eta_cutoff' },
  { names: ['min_keep', 'min_tokens_keep'], use: 'min_tokens_to_keep' },
  { names: ['xtc_prob', 'xtc_p', 'xtc'], use: 'xtc_probability' },
  { names: ['xtc_ignore_tokens', 'xtc_special_tokens'], use: 'xtc_protected_token_ids' },
  {
    names: ['top_p_min', 'top_p_decay', 'top_p_reset_ids'],
    says: 'send the `top_p` of each step with that step',
  },
  { names: ['skew'], says: 'Kelvin has no sampler that skews a draw' },
  // Draw
  { names: ['mirostat_mode', 'microstat_mode', 'mirostat_type'], use: 'mirostat' },
  { names: ['tau', 'microstat_tau', 'miro_tau', 'mirostat_target'], use: 'mirostat_tau' },
  {
    names: ['mirostat_lr', 'microstat_eta', 'miro_eta', 'mirostat_learning_rate'],
    use: 'mirostat_eta',
  },
  {
    names: ['mirostat_mu', 'mu'],
    says: 'it is in `state`: send the state of the previous answer',
  },
  { names: ['adaptive_p', 'adaptive'], use: 'adaptive_target' },
  {
    names: [
      'random_seed',
      'random_state',
      'rng_seed',
      'sampler_seed',
      'sampling_seed',
      'manual_seed',
      'torch_seed',
    ],
    use: 'seed',
  },
  {
    names: [
      'num_return_sequences',
      'n_cmpl',
      'num_samples',
      'num_draws',
      'n_samples',
      'num_completions',
    ],
    use: 'n',
  },
  {
    names: ['best_of'],
    says: '`n` draws several tokens of one step; the caller compares whole texts',
  },
  {
    names: [
      'num_beams',
      'beam_width',
      'use_beam_search',
      'early_stopping',
      'num_beam_groups',
      'diversity_penalty',
    ],
    says: 'Kelvin has no beam search; to run one, get the best tokens of each step with `top_logprobs`',
  },
  {
    names: ['length_penalty'],
    says: 'it belongs to beam search; to make a text end sooner, use `exponential_decay_length_penalty`',
  },
  {
    names: ['penalty_alpha'],
    says: 'contrastive search needs the hidden states of the model, which Kelvin does not see',
  },
  // Penalties
  {
    names: [
      'rep_pen',
      'repeat_penalty',
      'penalty_repeat',
      'rep_penalty',
      'repetition',
      'token_repetition_penalty',
    ],
    use: 'repetition_penalty',
  },
  {
    names: [
      'repeat_last_n',
      'rep_pen_range',
      'repetition_penalty_range',
      'penalty_range',
      'repetition_range',
      'token_repetition_range',
    ],
    use: 'penalty_last_n',
  },
  {
    names: [
      'rep_pen_slope',
      'repetition_decay',
      'penalty_decay',
      'frequency_penalty_decay',
      'token_repetition_decay',
    ],
    says: 'a penalty is equally strong for all of the last `penalty_last_n` tokens',
  },
  {
    names: [
      'freq_pen',
      'freq_penalty',
      'penalty_freq',
      'alpha_frequency',
      'token_frequency_penalty',
    ],
    use: 'frequency_penalty',
  },
  {
    names: [
      'pres_pen',
      'presence_pen',
      'penalty_present',
      'alpha_presence',
      'token_presence_penalty',
    ],
    use: 'presence_penalty',
  },
  {
    names: ['penalize_nl', 'penalize_newline'],
    says: 'penalties apply to every token; leave a token out of `output_token_ids` to spare it',
  },
  { names: ['hallucination_penalty'], use: 'encoder_repetition_penalty' },
  { names: ['dry_range', 'dry_last_n', 'dry_penalty_range'], use: 'dry_penalty_last_n' },
  { names: ['dry_penalty', 'dry_strength'], use: 'dry_multiplier' },
  { names: ['dry_breakers', 'dry_seq_breakers'], use: 'dry_sequence_breakers' },
  { names: ['dry_length'], use: 'dry_allowed_length' },
  {
    names: ['no_replacement', 'without_replacement'],
    says: '`replacement: false` draws each token at most once',
  },
  {
    names: ['dry_max_ngram', 'dry_max_occurrences', 'dry_early_exit_match_len'],
    says: 'DRY counts all repetitions within `dry_penalty_last_n`',
  },
  { names: ['no_repeat_ngram', 'ngram_size', 'no_repeat_ngrams'], use: 'no_repeat_ngram_size' },
  {
    names: ['encoder_no_repeat_ngram_size'],
    says: 'use `bad_words_ids` to ban the sequences of a prompt',
  },
  // The end of a text
  {
    names: [
      'max_tokens',
      'max_new_tokens',
      'max_completion_tokens',
      'max_output_tokens',
      'max_length',
      'n_predict',
      'num_predict',
      'max_gen_len',
      'max_tokens_to_sample',
      'max_time',
      't_max_predict_ms',
      'auto_max_new_tokens',
    ],
    says: LOOP,
  },
  {
    names: [
      'n_ctx',
      'num_ctx',
      'max_context_length',
      'truncate',
      'truncation_length',
      'n_keep',
      'num_keep',
      'truncate_prompt_tokens',
    ],
    says: LOOP,
  },
  { names: ['min_new_tokens', 'min_length', 'min_len'], use: 'min_tokens' },
  {
    names: ['eos_token_id', 'eos_token_ids', 'eos_id', 'end_id', 'stop_ids', 'stop_tokens'],
    use: 'stop_token_ids',
  },
  {
    names: [
      'stop',
      'stop_sequences',
      'stop_sequence',
      'stop_strings',
      'stop_words',
      'stopping_strings',
      'custom_stopping_strings',
      'stop_regex',
    ],
    says: 'Kelvin sees no text; the caller must look for stop texts. `stop_token_ids` has an effect on `min_tokens` and `exponential_decay_length_penalty` only',
  },
  {
    names: ['ignore_eos', 'ignore_eos_token', 'ban_eos_token', 'use_default_badwordsids'],
    says: 'put the id of the token that ends a text into `banned_token_ids`',
  },
  // Masks and biases
  {
    names: [
      'suppress_tokens',
      'suppress_token_ids',
      'banned_tokens',
      'ban_tokens',
      'bad_token_ids',
      'bad_tokens',
      'custom_token_bans',
      'disallow_tokens',
    ],
    use: 'banned_token_ids',
  },
  { names: ['begin_suppress_tokens'], says: 'send `banned_token_ids` with the first step only' },
  {
    names: ['bad_words', 'banned_strings', 'banned_phrases', 'stop_phrases'],
    use: 'bad_words_ids',
    says: 'It takes sequences of token ids',
  },
  { names: ['allowed_tokens', 'allow_tokens', 'token_whitelist'], use: 'allowed_token_ids' },
  {
    names: ['forced_eos_token_id', 'forced_bos_token_id', 'force_words_ids', 'forced_decoder_ids'],
    says: 'put a single id into `allowed_token_ids` to force that token',
  },
  { names: ['logits_bias', 'logit_biases', 'token_bias', 'embedding_bias'], use: 'logit_bias' },
  { names: ['bitmask', 'mask', 'vocab_mask', 'grammar_bitmask'], use: 'token_bitmask' },
  {
    names: [
      'grammar',
      'grammar_string',
      'json_schema',
      'response_format',
      'guided_json',
      'guided_regex',
      'guided_choice',
      'guided_grammar',
      'guided_decoding',
      'structured_outputs',
      'structural_tag',
      'regex',
      'ebnf',
      'format',
    ],
    says: 'Kelvin sees no text; put the tokens that a grammar engine, such as XGrammar, allows at this step into `token_bitmask`',
  },
  {
    names: [
      'logits_processor',
      'logits_processors',
      'logit_processors',
      'logits_processor_args',
      'custom_logit_processor',
      'prefix_allowed_tokens_fn',
    ],
    says: 'put what such a function computes into `logit_bias`, `allowed_token_ids` or `token_bitmask`',
  },
  { names: ['cfg', 'cfg_scale', 'guidance'], use: 'guidance_scale' },
  {
    names: [
      'negative_prompt',
      'negative_prompt_ids',
      'uncond_logits',
      'negative_logits',
      'neg_logits',
    ],
    use: 'unconditional_logits',
    says: 'It takes the logits of the model after the negative prompt',
  },
  {
    names: ['pad_token_id', 'bos_token_id', 'decoder_start_token_id'],
    says: 'no sampler uses it; padding in `prompt_token_ids` may be −1',
  },
  // What to report
  {
    names: [
      'logprobs',
      'n_probs',
      'num_logprobs',
      'top_logprobs_num',
      'return_logprob',
      'top_n_tokens',
      'return_top_tokens',
      'output_scores',
    ],
    use: 'top_logprobs',
    says: 'It takes a number of tokens; drawn tokens always have their logprobs',
  },
  { names: ['token_ids_logprob', 'logprobs_token_ids'], use: 'logprob_token_ids' },
  {
    names: [
      'prompt_logprobs',
      'echo',
      'return_full_text',
      'logprob_start_len',
      'decoder_input_details',
    ],
    says: 'Kelvin sees the logits of one step; send those of each position as a row, with its token in `logprob_token_ids`',
  },
  {
    names: ['return_probs', 'probs', 'probabilities', 'output_probabilities'],
    use: 'return_probabilities',
  },
  {
    names: ['post_sampling_probs', 'output_logits', 'return_logits'],
    says: 'use `logprobs_mode`: `processed` is after all samplers, `raw` is of the logits as sent',
  },
  { names: ['renormalize_logits'], says: 'probabilities are always normalised' },
  { names: ['remove_invalid_values', 'check_nan'], says: 'a logit that is NaN is an error' },
  // Order
  {
    names: [
      'samplers',
      'sampler_order',
      'sampler_priority',
      'sampler_seq',
      'sampler_sequence',
      'filter_apply_order',
    ],
    use: 'order',
    says: 'It takes names of samplers',
  },
  {
    names: ['temperature_last', 'temp_last'],
    says: 'use `order` to choose which sampler runs when',
  },
  { names: ['engine', 'backend', 'preset'], use: 'profile' },
  // History and logits
  {
    names: ['input_ids', 'prompt_ids', 'prompt_tokens', 'input_tokens', 'encoder_input_ids'],
    use: 'prompt_token_ids',
  },
  {
    names: [
      'output_ids',
      'output_tokens',
      'generated_ids',
      'generated_token_ids',
      'completion_ids',
      'previous_tokens',
      'past_tokens',
      'last_tokens',
    ],
    use: 'output_token_ids',
  },
  { names: ['seeds'], says: 'use `rows` to give each row a `seed` of its own' },
  { names: ['logit', 'scores', 'lm_logits', 'next_token_logits'], use: 'logits' },
  {
    names: ['dtype', 'shape', 'data', 'vocab_size', 'token_ids', 'values', 'log_z'],
    says: 'put it into the object `logits`',
  },
  {
    names: [
      'params',
      'parameters',
      'sampling_params',
      'sampling_parameters',
      'options',
      'generation_config',
      'extra_body',
    ],
    says: 'put fields beside `logits`, not into an object of their own',
  },
  {
    names: [
      'prompt',
      'prompts',
      'messages',
      'input',
      'inputs',
      'text',
      'system',
      'suffix',
      'tools',
      'tool_choice',
      'function_call',
      'functions',
      'chat_template',
      'images',
    ],
    says: 'Kelvin takes the `logits` of a model and no text; put the tokens so far into `prompt_token_ids` and `output_token_ids`',
  },
  {
    names: ['model', 'model_name', 'deployment'],
    says: 'Kelvin runs no model; it takes the `logits` of yours. To sample as an engine does, use `profile`',
  },
  {
    names: [
      'skip_special_tokens',
      'spaces_between_special_tokens',
      'add_bos_token',
      'add_special_tokens',
      'detokenize',
      'include_stop_str_in_output',
      'return_tokens',
      'add_generation_prompt',
      'return_token_ids',
      'tokenizer',
    ],
    says: TEXT,
  },
  {
    names: ['stream_options', 'streaming'],
    says: 'Kelvin answers one step and streams no tokens; leave it out',
  },
  {
    names: [
      'user',
      'metadata',
      'store',
      'service_tier',
      'request_id',
      'priority',
      'parallel_tool_calls',
      'reasoning_effort',
      'verbosity',
      'modalities',
      'safety_identifier',
      'prompt_cache_key',
      'cache_prompt',
      'keep_alive',
      'use_cache',
      'id_slot',
      'lora_request',
    ],
    says: NOTHING,
  },
]

/** Other APIs' names for values of Kelvin's enums. */
export const valueAliases: Readonly<Record<string, readonly string[]>> = {
  float32: ['fp32', 'f32', 'single', 'float', 'torch.float32', 'np.float32', '<f4'],
  float64: ['fp64', 'f64', 'double', 'torch.float64', 'np.float64', '<f8'],
  float16: ['fp16', 'f16', 'half', 'torch.float16', 'np.float16', '<f2'],
  bfloat16: ['bf16', 'torch.bfloat16', 'brain float'],
  transformers: ['hf', 'huggingface', 'tgi'],
  'llama.cpp': ['llama', 'ggml', 'gguf', 'llama_cpp_python'],
  temperature: ['dynatemp', 'dynamic_temperature'],
  smoothing: ['quadratic', 'quadratic_sampling'],
  repetition_penalty: ['penalties'],
  frequency_penalty: ['freq', 'frequency'],
  presence_penalty: ['presence'],
  processed: ['processed_logprobs'],
  raw: ['raw_logprobs'],
  all: ['true', 'full', 'dense'],
  none: ['false', 'off'],
}

const NO_DRAW = 'this operation draws no tokens; send it to POST /v1/sample'

/** Errors about fields that belong elsewhere: to another part of a request, or to another operation. */
export const elsewhere: ReadonlyMap<string, string> = new Map([
  ['logits', 'put the logits of all rows into the field logits, beside rows'],
  [
    'rows',
    'put rows beside logits in a JSON body of /v1; on /v2, send an input with a value for each row',
  ],
  ['n', NO_DRAW],
  ['replacement', NO_DRAW],
])
