/** Bytes outside of the server’s own memory. They are read when a row is loaded, straight into its memory. */
export interface Source {
  /** Fills `target` with the bytes from `from` on. Throws if there are too few. */
  read(from: number, target: Uint8Array): void
}
