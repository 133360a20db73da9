// SPDX-License-Identifier: LGPL-2.1-or-later

// ./plan-go z-k8s-n-1.xml hosts/p10.json prints verdict, findings and the new XML.
package main

// #cgo pkg-config: gpupt
// #include <stdlib.h>
// #include <gpupt/gpupt.h>
import "C"
import (
	"fmt"
	"log"
	"os"
	"strings"
	"unsafe"
)

// lend shows C a copy of bytes that is Go's; the library keeps no pointer to it.
func lend(s string) *C.char { return (*C.char)(unsafe.Pointer(&append([]byte(s), 0)[0])) }

func plan(xml, json, xmlName, jsonName string) error {
	var domain, host = (*C.struct_gpupt_domain)(nil), (*C.struct_gpupt_inventory)(nil)
	var made, e = (*C.struct_gpupt_plan)(nil), (*C.struct_gpupt_error)(nil)
	var text *C.char
	var length, count C.size_t
	request := C.gpupt_request_new()
	defer func() { C.gpupt_domain_free(domain); C.gpupt_inventory_free(host) }() // nil is fine
	defer func() { C.gpupt_request_free(request); C.gpupt_plan_free(made) }()
	defer func() { C.gpupt_error_free(e); C.free(unsafe.Pointer(text)) }()
	if C.gpupt_domain_parse(lend(xml), C.size_t(len(xml)), lend(xmlName), &domain, &e) < 0 ||
		C.gpupt_inventory_parse(lend(json), C.size_t(len(json)), lend(jsonName), &host, &e) < 0 ||
		C.gpupt_plan_make(domain, host, request, &made, &e) < 0 ||
		C.gpupt_plan_apply(made, domain, &text, &length, &e) < 0 {
		place := fmt.Sprintf("%s:%d:%d: ", C.GoString(C.gpupt_error_get_file(e)),
			C.gpupt_error_get_line(e), C.gpupt_error_get_column(e))
		message := C.GoString(C.gpupt_error_get_message(e))
		return fmt.Errorf("%s%s", strings.TrimPrefix(place, ":0:0: "), message)
	}
	log.Print("verdict: ", C.GoString(C.gpupt_verdict_name(C.gpupt_plan_get_verdict(made))))
	for _, f := range unsafe.Slice(C.gpupt_plan_get_findings(made, &count), count) {
		log.Printf("%s: %s", C.GoString(f.subject), C.GoString(f.text))
	}
	fmt.Print(C.GoStringN(text, C.int(length)))
	return nil
}

func main() {
	xml, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	json, err := os.ReadFile(os.Args[2])
	if err == nil {
		err = plan(string(xml), string(json), os.Args[1], os.Args[2])
	}
	if err != nil {
		log.Fatal(err)
	}
}
