import type { Words } from '../words.svelte';
import { access } from './access';
import { audit } from './audit';
import { authority } from './authority';
import { breakGlass } from './break-glass';
import { care } from './care';
import { keys } from './keys';
import { parts } from './parts';
import { people } from './people';
import { record } from './record';
import { sharing } from './sharing';
import { shell } from './shell';
import { today } from './today';
import { vault } from './vault';

export const ar: Words = { ...shell, ...parts, ...people, ...access, ...keys, ...vault, ...today, ...record, ...sharing, ...care, ...breakGlass, ...audit, ...authority };
