/** The package kelvin-client: a client for Node. */
export type { Answer } from './answer.ts'
export type { DecodedToken, DecodeParams, Forward, RowOptions } from './decode.ts'
export { KelvinError } from './error.ts'
export { Kelvin } from './kelvin.ts'
export type { Logits } from './logits.ts'
export type { Batch, Dtype, Row, SharedTensor, Tensor } from './rows.ts'
export type { CallOptions, ClientOptions } from './transport.ts'
export type {
  ProbabilitiesParams,
  ProbabilitiesResult,
  Problem,
  SampleParams,
  SampleResult,
  SparseLogits,
  Warning,
} from './types.ts'
