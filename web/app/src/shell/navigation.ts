import ChartLine from '@lucide/svelte/icons/chart-line';
import Info from '@lucide/svelte/icons/info';
import KeyRound from '@lucide/svelte/icons/key-round';
import LifeBuoy from '@lucide/svelte/icons/life-buoy';
import List from '@lucide/svelte/icons/list';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Sun from '@lucide/svelte/icons/sun';
import Users from '@lucide/svelte/icons/users';
import type { Me } from '../messages';
import type { Icon } from '../parts/Icon';
import { places } from '../places';
import { here, href, match, type Place } from '../router.svelte';
import { t, type Words } from '../words/words.svelte';

/** An entry of the navigation. */
export interface Entry {
	name: keyof Words['nav'];
	icon: Icon;
	address: string;
	/** Pressed after g, it goes there. */
	key: string;
}

function entry(name: keyof Words['nav'], icon: Icon, to: Place, key: string): Entry {
	return { name, icon, address: href(to as Place<'/'>), key };
}

const ofPatients = [
	entry('today', Sun, places.today, 't'),
	entry('timeline', List, places.timeline, 'l'),
	entry('trends', ChartLine, places.trends, 'r'),
	entry('sharing', Users, places.sharing, 's'),
	entry('access', ScrollText, places.access, 'a'),
	entry('emergency', LifeBuoy, places.emergency, 'e'),
];

const ofEverybody = [entry('keys', KeyRound, places.keys, 'k'), entry('about', Info, places.about, 'i')];

/** Where somebody may go, what they come for first at the top. */
export function navigation(me: Me): Entry[] {
	return [...(me.roles.includes('patient') ? ofPatients : []), ...ofEverybody];
}

/** Whether an entry leads to where the person is. */
export function isHere(entry: Entry): boolean {
	return match(here(), entry.address.slice(1)) !== undefined;
}

export function label(entry: Entry): string {
	return t().nav[entry.name];
}
