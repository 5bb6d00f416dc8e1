# SPDX-License-Identifier: Apache-2.0
# Warnings and hardening, probed flag by flag, so that gcc 12 and clang 14 each get what they know.
include(CheckCCompilerFlag)

add_library(certrotate_flags INTERFACE)
target_include_directories(certrotate_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/agent)
target_compile_definitions(certrotate_flags INTERFACE _GNU_SOURCE OPENSSL_API_COMPAT=30000
                           CERTROTATE_VERSION="${PROJECT_VERSION}")

function(certrotate_try flag)
        string(MAKE_C_IDENTIFIER "HAVE${flag}" var)
        check_c_compiler_flag("${flag}" ${var})
        if(${var})
                target_compile_options(certrotate_flags INTERFACE "${flag}")
        endif()
endfunction()

foreach(flag -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
             -Wold-style-definition -Wcast-qual -Wcast-align=strict -Wwrite-strings -Wformat=2 -Wundef -Wvla
             -Walloca -Wnull-dereference -Wswitch-enum -Wimplicit-fallthrough -Wdouble-promotion -Wdate-time
             -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init
             -fno-strict-overflow -fno-delete-null-pointer-checks)
        certrotate_try(${flag})
endforeach()
if(CERTROTATE_WERROR)
        target_compile_options(certrotate_flags INTERFACE -Werror)
endif()
target_compile_options(certrotate_flags INTERFACE "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")

if(CERTROTATE_HARDENING)
        target_compile_options(certrotate_flags INTERFACE -U_FORTIFY_SOURCE)
        foreach(flag -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
                     -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr)
                certrotate_try(${flag})
        endforeach()
        target_compile_options(certrotate_flags INTERFACE -fPIE)
        target_link_options(certrotate_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
target_link_options(certrotate_flags INTERFACE -Wl,--as-needed)

if(CERTROTATE_SANITIZE)
        target_compile_options(certrotate_flags INTERFACE -fsanitize=${CERTROTATE_SANITIZE}
                               -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(certrotate_flags INTERFACE -fsanitize=${CERTROTATE_SANITIZE})
endif()
if(CERTROTATE_BREAKPOINTS)
        target_compile_definitions(certrotate_flags INTERFACE CERTROTATE_BREAKPOINTS=1)
endif()
