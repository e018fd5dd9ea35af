import { cpp } from './cpp.ts'
import { curl } from './curl.ts'
import { go } from './go.ts'
import { python } from './python.ts'
import { rust } from './rust.ts'
import { typescript } from './typescript.ts'

export const languages = [curl, python, typescript, go, rust, cpp] as const
