// SPDX-License-Identifier: LGPL-2.1-or-later
module plan-go

go 1.19
