/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In the static program only. Where libxml2 was built with ICU it asks that for encodings
 * which it does not know itself, and ICU brings tables of 30 MB. A domain is read as UTF-8
 * or not at all (domain/parse.c): there is no other encoding here. */

#include <unicode/ucnv.h>
#include <unicode/ucnv_err.h>

UConverter *ucnv_open(const char *name, UErrorCode *error)
{
	(void)name;
	*error = U_UNSUPPORTED_ERROR;
	return NULL;
}

/* What follows has a converter, and is never called. */

void ucnv_close(UConverter *converter)
{
	(void)converter;
}

void ucnv_setToUCallBack(UConverter *converter, UConverterToUCallback action, const void *context,
			 UConverterToUCallback *ret_old, const void **ret_old_context,
			 UErrorCode *error)
{
	(void)converter, (void)action, (void)context, (void)ret_old, (void)ret_old_context;
	*error = U_UNSUPPORTED_ERROR;
}

void ucnv_setFromUCallBack(UConverter *converter, UConverterFromUCallback action,
			   const void *context, UConverterFromUCallback *ret_old,
			   const void **ret_old_context, UErrorCode *error)
{
	(void)converter, (void)action, (void)context, (void)ret_old, (void)ret_old_context;
	*error = U_UNSUPPORTED_ERROR;
}

void ucnv_convertEx(UConverter *to, UConverter *from, char **target, const char *target_end,
		    const char **source, const char *source_end, UChar *pivot_start,
		    UChar **pivot_source, UChar **pivot_target, const UChar *pivot_end, UBool reset,
		    UBool flush, UErrorCode *error)
{
	(void)to, (void)from, (void)target, (void)target_end, (void)source, (void)source_end;
	(void)pivot_start, (void)pivot_source, (void)pivot_target, (void)pivot_end, (void)reset;
	(void)flush;
	*error = U_UNSUPPORTED_ERROR;
}

void UCNV_TO_U_CALLBACK_STOP(const void *context, UConverterToUnicodeArgs *arguments,
			     const char *units, int32_t length, UConverterCallbackReason reason,
			     UErrorCode *error)
{
	(void)context, (void)arguments, (void)units, (void)length, (void)reason, (void)error;
}

void UCNV_FROM_U_CALLBACK_STOP(const void *context, UConverterFromUnicodeArgs *arguments,
			       const UChar *units, int32_t length, UChar32 point,
			       UConverterCallbackReason reason, UErrorCode *error)
{
	(void)context, (void)arguments, (void)units, (void)length, (void)point, (void)reason;
	(void)error;
}
