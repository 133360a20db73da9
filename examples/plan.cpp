/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plans from a domain XML and a host's snapshot, and prints the new XML. Each object
 * frees itself, and each failure becomes an exception:
 *   c++ plan.cpp $(pkg-config --cflags --libs gpupt) -o plan
 *   ./plan z-k8s-n-1.xml hosts/p10.json */

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include <gpupt/gpupt.h>

struct Free {
	void operator()(gpupt_domain *domain) const { gpupt_domain_free(domain); }
	void operator()(gpupt_inventory *inventory) const { gpupt_inventory_free(inventory); }
	void operator()(gpupt_request *request) const { gpupt_request_free(request); }
	void operator()(gpupt_plan *plan) const { gpupt_plan_free(plan); }
	void operator()(gpupt_error *error) const { gpupt_error_free(error); }
	void operator()(char *text) const { std::free(text); }
};
template <typename T> using Own = std::unique_ptr<T, Free>;

/* Calls a function that can fail and hands over what it made. */
template <typename T, typename Function, typename... Arguments>
Own<T> make(Function function, Arguments... arguments)
{
	T *made = nullptr;
	gpupt_error *error = nullptr;
	if (function(arguments..., &made, &error) == 0)
		return Own<T>(made);
	Own<gpupt_error> owned(error);
	const char *file = gpupt_error_get_file(error);
	throw std::runtime_error((file ? std::string(file) + ":" +
				  std::to_string(gpupt_error_get_line(error)) + ":" +
				  std::to_string(gpupt_error_get_column(error)) + ": " : "") +
				 gpupt_error_get_message(error));
}

static std::string read(const char *path)
{
	std::ifstream file(path, std::ios::binary);
	return { std::istreambuf_iterator<char>(file), {} };
}

int main(int argc, char **argv)
try {
	if (argc != 3)
		return 2;
	const std::string xml = read(argv[1]), json = read(argv[2]);
	auto domain = make<gpupt_domain>(gpupt_domain_parse, xml.data(), xml.size(), argv[1]);
	auto host = make<gpupt_inventory>(gpupt_inventory_parse, json.data(), json.size(), argv[2]);
	Own<gpupt_request> request(gpupt_request_new());
	auto plan = make<gpupt_plan>(gpupt_plan_make, domain.get(), host.get(), request.get());
	size_t length = 0;
	auto apply = [&](char **text, gpupt_error **error) {
		return gpupt_plan_apply(plan.get(), domain.get(), text, &length, error);
	};
	auto text = make<char>(apply);
	std::cout.write(text.get(), static_cast<std::streamsize>(length));
	std::cerr << "verdict: " << gpupt_verdict_name(gpupt_plan_get_verdict(plan.get())) << "\n";
	return gpupt_plan_get_status(plan.get()) < 0;
} catch (const std::exception &error) {
	std::cerr << error.what() << "\n";
	return 1;
}
