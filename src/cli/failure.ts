/** Ends the command with a message, and no stack: what is wrong is outside of it. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The command was called in a way it cannot be. */
export const misuse = (message: string) => new Failure(message, 2)
