import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('ar');

export const today: Pick<Words, 'today' | 'timeline' | 'trends' | 'sealed'> = {
	today: {
		greeting: (hour, name) => {
			const wish = hour < 12 && hour >= 5 ? 'صباح الخير' : 'مساء الخير';
			return name ? `${wish} يا ${name}` : wish;
		},
		share: 'شارك الاطلاع',
		fresh: (count) => n(count, { one: 'مُدخل جديد منذ آخر اطلاع لك', two: 'مُدخلان جديدان منذ آخر اطلاع لك', few: '# مُدخلات جديدة منذ آخر اطلاع لك', other: '# مُدخلًا جديدًا منذ آخر اطلاع لك' }),
		show: 'عرض',
		care: 'الرعاية',
		activity: 'النشاط',
		none: 'لا شيء من هذا النوع مؤخرًا.',
		whole: 'اعرض الخط الزمني كله',
		opened: 'من فتح سجلّك',
		nobody: 'لم يفتحه أحد غيرك.',
		wants: 'يحتاج إلى نظرك',
		look: 'اطّلع',
		emergency: (who, part) => `${who}: طلب ${part} في حالة طوارئ`,
		ending: (who, part) => `مشاركة ${part} مع ${who} تنتهي قريبًا`,
		endingOn: (date) => `تنتهي تلقائيًا في ${date}.`,
		empty: 'سجلّك جاهز',
		emptyText: 'اكتب ملاحظتك الأولى، أو أضف قياسًا، أو أحضر ملفًا من طبيبك أو المستشفى.',
		begin: 'أضف أول مُدخل',
	},
	timeline: {
		text: 'كل ما في سجلّك، الأحدث أولًا.',
		search: 'ابحث على هذا الجهاز',
		kind: 'النوع',
		everyKind: 'كل الأنواع',
		part: 'قسم السجل',
		everyPart: 'كل الأقسام',
		found: (count) => n(count, { zero: 'لا مُدخلات', one: 'مُدخل واحد', two: 'مُدخلان', few: '# مُدخلات', other: '# مُدخلًا' }),
		none: 'لم يُعثر على شيء',
		noneText: 'جرّب كلمة أخرى، أو اعرض كل الأنواع والأقسام.',
		undated: 'بلا تاريخ',
	},
	trends: {
		text: 'ما قيس مع مرور الوقت. الشريط الخفيف هو المجال المعتاد.',
		span: 'إلى أي وقت',
		spans: { month: 'شهر', quarter: '3 أشهر', year: 'سنة', all: 'الكل' },
		none: 'لم يُقس شيء بعد',
		noneText: 'القياسات التي تضيفها أو تحضرها تظهر هنا.',
		noneThen: 'لم يُقس شيء في هذه المدة',
		begin: 'أضف قياسًا',
	},
	sealed: {
		never: () => 'غير مشارك معك.',
		ended: (since) => (since ? `انتهت المشاركة في ${since}.` : 'انتهت المشاركة.'),
		revoked: (since) => (since ? `لم يعد مشاركًا معك منذ ${since}.` : 'لم يعد مشاركًا معك.'),
		stale: () => 'تُجدَّد مفاتيحه الآن. لا يمكن فتح جديد حاليًا.',
		'from-now': (since) => `ما كُتب قبل ${since} غير مشارك معك.`,
	},
};
