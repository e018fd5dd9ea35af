/** A note to the caller in an answer. It does not prevent the answer. */
export interface Warning {
  code: string
  message: string
}
