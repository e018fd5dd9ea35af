import { curl } from './curl.ts'
import { go } from './go.ts'
import { python } from './python.ts'
import { typescript } from './typescript.ts'

export const languages = [curl, python, typescript, go] as const
