// Facade of core/base: what every room may use.
//
// Error and fail (error.h), KINGLET_CHECK (check.h), Result (result.h), ByteReader for untrusted bytes (byte_reader.h),
// sizes that may overflow (checked.h), str for messages (str.h), the counter-based generator (philox.h), and the
// thread pool as an interface (thread_pool.h). No third-party library, no files, no threads, no operating system.
// Thread rules: values are not shared between threads unless their header says so.
#pragma once

#include "core/base/byte_reader.h"
#include "core/base/check.h"
#include "core/base/checked.h"
#include "core/base/error.h"
#include "core/base/philox.h"
#include "core/base/result.h"
#include "core/base/str.h"
#include "core/base/thread_pool.h"
