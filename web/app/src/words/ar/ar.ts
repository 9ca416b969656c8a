import { en } from '../en/en';
import type { Words } from '../words.svelte';
import { access } from './access';
import { keys } from './keys';
import { parts } from './parts';
import { people } from './people';
import { record } from './record';
import { shell } from './shell';
import { today } from './today';
import { vault } from './vault';

export const ar: Words = { ...en, ...shell, ...parts, ...people, ...access, ...keys, ...vault, ...today, ...record };
