import Activity from '@lucide/svelte/icons/activity';
import Clipboard from '@lucide/svelte/icons/clipboard-list';
import File from '@lucide/svelte/icons/file-text';
import Flask from '@lucide/svelte/icons/flask-conical';
import Footprints from '@lucide/svelte/icons/footprints';
import Heart from '@lucide/svelte/icons/heart-pulse';
import Pill from '@lucide/svelte/icons/pill';
import Shield from '@lucide/svelte/icons/shield-alert';
import Note from '@lucide/svelte/icons/square-pen';
import Stethoscope from '@lucide/svelte/icons/stethoscope';
import Syringe from '@lucide/svelte/icons/syringe';
import Target from '@lucide/svelte/icons/target';
import type { Icon } from './Icon';

/** The categories of rows, in the order in which they are offered. */
export const categories = ['note', 'lab', 'vital', 'heart', 'activity', 'medicine', 'condition', 'allergy', 'immunization', 'visit', 'procedure', 'document', 'plan', 'other'] as const;
export type Category = (typeof categories)[number];

const looks: Record<Category, { icon: Icon; hue: string }> = {
	note: { icon: Note, hue: '--hue-body' },
	lab: { icon: Flask, hue: '--hue-lab' },
	vital: { icon: Activity, hue: '--hue-pressure' },
	heart: { icon: Heart, hue: '--hue-heart' },
	activity: { icon: Footprints, hue: '--hue-activity' },
	medicine: { icon: Pill, hue: '--hue-medicine' },
	condition: { icon: Stethoscope, hue: '--hue-body' },
	allergy: { icon: Shield, hue: '--hue-heart' },
	immunization: { icon: Syringe, hue: '--hue-lab' },
	visit: { icon: Stethoscope, hue: '--hue-body' },
	procedure: { icon: Clipboard, hue: '--hue-body' },
	document: { icon: File, hue: '--hue-body' },
	plan: { icon: Target, hue: '--hue-activity' },
	other: { icon: File, hue: '--hue-body' },
};

export function isCategory(text: string): text is Category {
	return text in looks;
}

/** Reads a category as it comes in a message. */
export function categoryOf(text: string): Category {
	return isCategory(text) ? text : 'other';
}

export function iconOf(category: string): Icon {
	return looks[categoryOf(category)].icon;
}

const bloodPressure = ['85354-9', '55284-4', '8480-6', '8462-4'];

/** The custom property with the hue of a category, or of what is measured. */
export function hueOf(category: string, code = ''): string {
	return bloodPressure.includes(code) ? '--hue-pressure' : looks[categoryOf(category)].hue;
}
