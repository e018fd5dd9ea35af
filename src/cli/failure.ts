/** An error that is not a bug. It ends the command with its message and without a stack trace. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** An error in the arguments of the command. */
export const misuse = (message: string) => new Failure(message, 2)
