/** Something the caller should know: the request is answered all the same. */
export interface Warning {
  code: string
  message: string
}
