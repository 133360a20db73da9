/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/diff.h>

#include "text/secrets.h"

/* Secrets stand between \1 and \2: the input lacks those bytes, the expected
 * output has the replacement instead. */
#define S(secret) "\1" secret "\2"

static void build(const char *marked, char *plain, char *expected)
{
	bool hidden = false;
	for (const char *p = marked; *p; p++) {
		if (*p == '\1') {
			hidden = true;
			expected = stpcpy(expected, GPUPT_REDACTED);
		} else if (*p == '\2') {
			hidden = false;
		} else {
			*plain++ = *p;
			if (!hidden)
				*expected++ = *p;
		}
	}
	*plain = *expected = '\0';
}

static char *redact(const char *text, size_t length, size_t *ret_length)
{
	char *copy = NULL;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_redact(text, length, &copy, ret_length, &error), 0);
	assert_null(error);
	return copy;
}

static void check(const char *marked)
{
	char plain[4096], expected[4096];
	size_t length;
	build(marked, plain, expected);
	char *copy = redact(plain, strlen(plain), &length);
	assert_string_equal(copy, expected);
	assert_int_equal(length, strlen(expected));
	char *twice = redact(copy, length, &length);
	assert_string_equal(twice, expected);
	free(twice);
	free(copy);
}

static void test_graphics(void **state)
{
	(void)state;
	check("<graphics type='vnc' port='-1' passwd='" S("x") "' passwdValidTo='2030-01-01'/>");
	check("<graphics type=\"spice\" passwd = \"" S("a'b>c") "\" keymap='de'/>");
	check("<graphics\n\ttype='rdp'\n\tpasswd='" S("x y") "'\n/>");
	check("<graphics passwd='' connected='keep'/>");
	check("<graphics type='vnc' passwd='" S("two") "\n" S("lines") "'/>");
}

static void test_disk_source(void **state)
{
	(void)state;
	check("<source protocol='https' name='img.iso' query='" S("sig=1&amp;token=2") "'>\n"
	      "  <host name='example.org' port='443'/>\n"
	      "  <cookies>\n"
	      "    <cookie name='session'>" S("\"abc=d\"") "</cookie>\n"
	      "    <cookie name='b'>" S("e") "</cookie>\n"
	      "  </cookies>\n"
	      "</source>\n");
	check("<source file='http://user:" S("pw") "@host/x'/>");
	check("<source file='http://host:8080/a@b'/>");
}

/* References to secrets that libvirt keeps elsewhere are none themselves. */
static void test_references_stay(void **state)
{
	(void)state;
	check("<auth username='libvirt'><secret type='ceph' usage='ceph_passphrase'/></auth>");
	check("<encryption format='luks'><secret type='passphrase' "
	      "uuid='f52a81b2-424e-490c-823d-6bd4235bc572'/></encryption>");
	check("<backend type='emulator'><encryption "
	      "secret='6dd3e4a5-1d76-44ce-961f-f119f5aad935'/></backend>");
	check("<secret type='passphrase' uuid='u'>" S("inline") "</secret>");
	check("<lease><lockspace>l</lockspace><key>name</key></lease>");
	check("<keywrap><cipher name='aes' state='on'/></keywrap>");
	check("<input type='keyboard' bus='ps2'/>");
	check("<driver name='qemu' iommu='on' passthrough='on'/>");
	check("<cpu mode='host-passthrough'/>");
}

/* A URL without a login, and without a path to end it, hides nothing of what follows. */
static void test_behind_urls(void **state)
{
	(void)state;
	check("<source file='https://h?token=" S("x") "'/>");
	check("<source file='https://h:443?token=" S("x&amp;y=z") "'/>");
	check("<qemu:arg value='driver=https,url=https://h,cookie=" S("x") ",if=none'/>");
	check("<qemu:arg value='{&quot;url&quot;:&quot;https://h&quot;,&quot;cookie&quot;:&quot;"
	      S("x") "&quot;}'/>");
	check("<title>https://h;password=" S("x") " a@b</title>");
	check("<title>https://u:" S("x") "@h;password=" S("y") "</title>");
}

static void test_launch_security(void **state)
{
	(void)state;
	check("<launchSecurity type='sev'>\n<policy>0x1</policy>\n"
	      "<dhCert>" S("AAAA") "</dhCert>\n<session>" S("BBBB") "</session>\n"
	      "</launchSecurity>");
}

static void test_sysinfo(void **state)
{
	(void)state;
	check("<sysinfo type='smbios'>\n<system>\n"
	      "<entry name='manufacturer'>Fedora</entry>\n"
	      "<entry name='serial'>ds=" S("nocloud-net;s=http://10.0.0.1/") "</entry>\n"
	      "<entry name='uuid'>c7a5fdbd-edaf-9455-926a-d65c16db1809</entry>\n"
	      "<entry name='version'>ds=nocloud</entry>\n"
	      "</system>\n<oemStrings>\n<entry>" S("io.systemd.credential:a=b") "</entry>\n"
	      "</oemStrings>\n</sysinfo>");
	check("<sysinfo type='fwcfg'>"
	      "<entry name='opt/com.coreos/config'>" S("{\"ignition\":{}}") "</entry>"
	      "<entry name=\"opt/com.example/x\" file='/tmp/provision.ign'/>"
	      "<entry name='opt/ovmf/X-PciMmio64Mb'>65536</entry>"
	      "<entry name='opt/cloud/user-data'>\n  " S("#cloud-config") "\n  " S("a: b")
	      "\n</entry></sysinfo>");
	check("<entry name='admin-password'><!-- " S("x") " --></entry>");
}

static void test_qemu_commandline(void **state)
{
	(void)state;
	check("<qemu:arg value='secret,id=sec0,data=" S("a,,b&amp;c") ",format=raw'/>");
	check("<qemu:arg value='secret,id=sec0,file=/run/key,keyid=master0'/>");
	check("<qemu:arg value='{\"qom-type\":\"secret\",\"id\":\"s\",\"data\":\"" S("x,y")
	      "\",\"format\":\"raw\"}'/>");
	check("<qemu:arg value=\"{&quot;password&quot;: &quot;" S("x y") "&quot;, 1}\"/>");
	check("<qemu:arg value='driver=ssh,password-secret=sec0,passwordid=sec1'/>");
	check("<qemu:arg value=':0,password=on,websocket=1'/>");
	check("<qemu:arg value='port=5900,password=" S("x") ",addr=::1'/>");
	check("<qemu:arg value='name=opt/com.coreos/config,string=" S("{}") "'/>");
	check("<qemu:arg value='name=opt/ovmf/X-PciMmio64Mb,string=65536'/>");
	check("<qemu:arg value='opt/ovmf/X-PciMmio64Mb,string=65536'/>");
	check("<qemu:arg value='type=1,serial=ds=" S("nocloud;s=http://x/") "'/>");
	check("<qemu:arg value='type=11,value=" S("cloud") ",value=" S("b") "'/>");
	check("<qemu:arg value='value=" S("cloud") ",type=11'/>");
	check("<qemu:arg value='qom-type=secret,id=s,data=" S("x") "'/>");
	check("<qemu:arg value='file=rbd:p/i:id=admin:key=" S("AQ==:conf=/x") ",if=none'/>");
	check("<qemu:arg value='file=iscsi://user%" S("pw") "@192.0.2.1/iqn.x/1,if=none'/>");
	check("<qemu:arg value='q35-pcihost.pci-hole64-size=64G'/>");
	check("<bhyve:arg value='password=" S("x") "'/><xen:arg value='token=" S("y") "'/>");
	check("<qemu:env name='VNC_PASSWORD' value='" S("x") "'/>");
	check("<qemu:env value='" S("x") "' name='DB_PASS'/>");
	check("<qemu:env name='SSH_KEY_DATA' value='" S("x") "'/>");
	check("<qemu:env name='PATH' value='/bin'/>");
	check("<qemu:property name='password' type='string' value='" S("x") "'/>");
	check("<qemu:property name='x-speed' type='string' value='16'/>");
}

static void test_kernel_and_init(void **state)
{
	(void)state;
	check("<cmdline>ro root=/dev/sda1 rd.luks.key=" S("/k:UUID=1") " quiet</cmdline>");
	check("<cmdline>password=" S("a,b") " token=&quot;" S("c d") "&quot; "
	      "pci=realloc,key iommu.passthrough=1</cmdline>");
	check("<cmdline>ds=" S("nocloud;s=http://x/") " console=ttyS0</cmdline>");
	check("<cmdline>netroot=iscsi:" S("user:pw") "@192.0.2.1::::iqn.x rootpw=" S("x") " a</cmdline>");
	check("<cmdline>netroot=iscsi:192.0.2.1::::iqn.x ip=dhcp iscsi:iscsi:</cmdline>");
	check("<cmdline>u=https://h/a?X-Amz-Signature=" S("x") " v=https://h/?b&amp;sig=" S("y")
	      "</cmdline>");
	check("<initenv name='DB_PASSWORD'>" S("x") "</initenv>");
	check("<initenv name='PATH'>/bin</initenv>");
	check("<initarg>--token=" S("x") "</initarg>");
}

static void test_metadata(void **state)
{
	(void)state;
	check("<metadata><c:data xmlns:c='u'><c:rootPassword>" S("x") "</c:rootPassword>"
	      "<c:osVariant>f</c:osVariant></c:data></metadata>");
	check("<m:user-data>\n" S("#") "\n\t<a b='" S("c") "'>" S("t") "</a>\n<user-data/>"
	      "</m:user-data><d>plain</d>");
	check("<x:login user='u' access-token=\"" S("t") "\" private_key='" S("k") "'/>");
	check("<user-data><![CDATA[" S("</user-data> password") "]]></user-data> plain");
	check("<user-data><user-data>" S("x") "</user-data>" S("y") "</user-data> z");
	check("<a:sshKey>" S("x") "</a:sshKey><b keymap='de' hotkeys='x'/>");
	check("<a:adminPass>" S("x") "</a:adminPass><b dbPwd='" S("y") "' bypass='1' byPASS='2'/>");
	check("<db:login user='u' pwd='" S("x") "'/><initenv name='PWD'>/root</initenv>");
	check("<nova:name>secretary</nova:name>");
	check("<description>root password: " S("x y") "\nnext</description>");
}

static void test_comments(void **state)
{
	(void)state;
	check("<!-- <graphics type='vnc' passwd='" S("x") "'/> -->");
	check("<!-- was passwd='" S("x y") "', now none -->");
	check("<!-- <cookie>" S("x") " --> plain <a b='c'/>");
	check("<!-- don't <a b=' --> <graphics passwd='" S("x") "'/>");
	check("<cookie>" S("a") "<!-- " S("b") " -->" S("c") "</cookie>");
	check("<![CDATA[ <graphics passwd='" S("x") "'/> ]]>");
}

static void test_not_well_formed(void **state)
{
	(void)state;
	check("<graphics passwd='" S("x"));
	check("<graphics passwd=" S("x") " a='b'>");
	check("<a b='<graphics passwd=\"" S("x") "\"/>");
	check("<graphics passwd='" S("a<b") "'/>");
	check("a < b password=" S("x") " <");
	check("<cookie>" S("x"));
	check("</cookie> <> </> <!x <![CDATA[ <!-- ");
	check("<a passwd");
	check("<a passwd=");
	check("<a passwd='");
	check("<");
	check("");
}

static void test_line_ends_and_bytes(void **state)
{
	(void)state;
	check("<user-data>\r\n  " S("a") "\r\n\r\n\t" S("b\xff c") "\t\r\n</user-data>\r\n");
	static const char text[] = "<cookie>a\0b</cookie>\0<x/>";
	size_t length;
	char *copy = redact(text, sizeof(text) - 1, &length);
	assert_int_equal(length, strlen("<cookie>[redacted]</cookie>") + 5);
	assert_memory_equal(copy, "<cookie>[redacted]</cookie>\0<x/>", length);
	free(copy);
}

/* What the metadata of others calls a name. */
static void test_labels(void **state)
{
	(void)state;
	check("<meta key='admin_pass'>" S("x") "</meta><meta key='flavor'>m1</meta>");
	check("<a:item id=\"api-token\" value='" S("x") "'/><p value='" S("y") "' key='db_pwd'/>");
	check("<p name='n' property='rootPassword' value='" S("x") "'/><p label='os' value='y'/>");
	check("<entry name='opt/x/y' key='z'>" S("x") "</entry>");
}

#define PEM_LABEL "-----BEGIN RSA PRIVATE KEY-----"
#define PEM_END "-----END RSA PRIVATE KEY-----"

static void test_private_keys(void **state)
{
	(void)state;
	check("<description>a\n " PEM_LABEL "\n " S("MII=") "\n " S("AAA") "\n " PEM_END " b=c\n"
	      "d</description>");
	check("<a b='" PEM_LABEL S("\\nMII=\\nA") " " PEM_END "\\n' c='d'/>");
	check("<a b='" PEM_LABEL " " S("MII= AA/A") " " PEM_END "' c='d'/>");
	check("<!-- x_key=" S(PEM_LABEL) "\n" S("MII=") "\n" PEM_END " --><c/>");
	check("<title>ssh-key: " S(PEM_LABEL) "\n" S("MII=") "\n" PEM_END " b</title>");
	check("<title>ssh_key=&quot;" S(PEM_LABEL) "\n" S("MII=") "\n" PEM_END "&quot; b</title>");
	check("<title>-----BEGIN PRIVATE KEY-----\n" S("never ends") "\n</title><a>b</a>");
	check("<title>-----BEGIN OpenVPN Static key V1-----\n" S("6acef03f") "\n"
	      "-----END OpenVPN Static key V1-----</title>");
	check("<title>-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----</title>");
	check("<title>-----BEGIN</title><title>---- -----BEGIN PRIVATE KEY</title>");
}

static void test_yaml(void **state)
{
	(void)state;
	check("<description>password: " S("|") "\n  " S("x y") "\n\n   " S("z") "\nuser: a\n"
	      "</description>");
	check("<!--\n  users:\n  - password: " S(">-") "\n      " S("x") "\n    name: a\n -->");
	check("<title>chpasswd:\n  " S("list: |") "\n    " S("root:x") "\n  " S("expire: no")
	      "\nruncmd:\n  - a\n</title>");
	check("<title>ssh_keys:\n  " S("rsa_private: x") "\nssh_authorized_keys:\n- y\n</title>");
	check("<title>passwords:\n" S("- a") "\n" S("- b") "\nc: d</title>");
	check("<title>\"password\": " S("|") "\n " S("x") "\nc</title>");
	check("<title>token: " S("x") "\r\n  " S("y") "\r\nz: a\r\n</title>");
	check("<title>the password: " S("x") "\nis that</title>");
	check("<title>password: yes\n\n</title>");
	check("<entry name='version'>password: " S("|") "\n\t" S("x") "</entry>");
}

/* Names, signs and quotes, however they are spelt. */
static void test_references(void **state)
{
	(void)state;
	check("<meta name='pass&#119;d'>" S("x") "</meta>");
	check("<p value='" S("x") "' key='&#x70;assword'/><p name='a&amp;b' value='c'/>");
	check("<title>pass&#119;d=" S("x") " &#116;oken: " S("y") "\n</title>");
	check("<title>password&#61;" S("x") " password&#x3d;&#034;" S("x y") "&#034; z</title>");
	check("<qemu:arg value='secret,id=s,d&#97;ta=" S("x") ",format=raw'/>");
	check("<cmdline>a=&#34;key&#34; b=&#x41;&#66;C;=d &#; &#x; &; c=d</cmdline>");
}

/* What follows -append is a command line, whose words may have commas in them. */
static void test_append(void **state)
{
	(void)state;
	check("<qemu:arg value='-append'/>\n<qemu:arg value='password=" S("a,b") " quiet'/>\n"
	      "<qemu:arg value='host,password=" S("a") ",b=c'/>");
	check("<qemu:arg value='--append'/><!-- <qemu:arg value='x,password=" S("a") ",b'/> -->"
	      "<qemu:arg value='token=" S("a,b") " quiet'/>");
	check("<!-- <qemu:arg value='-append'/> --><qemu:arg value='x,password=" S("a") ",b'/>");
	check("<qemu:arg value='-append' name='a_key'/><qemu:arg value='token=" S("a,b") "'/>");
	check("<qemu:arg value='-append'/><qemu:arg value='-append'/>"
	      "<qemu:arg value='x,password=" S("a") ",b'/>");
	char *shown = gpupt_redact_argument("-append", "password=a,b quiet");
	assert_string_equal(shown, "password=" GPUPT_REDACTED " quiet");
	free(shown);
}

static void test_connections(void **state)
{
	(void)state;
	check("<title>UID=x;PWD=" S("y") " z</title>");
	check("<title>PWD=" S("y;UID=x") " z</title>");
	check("<title>UID=x; PWD=" S("{y z};A=b") " c</title>");
	check("<c:db dsn='UID=x;PWD=" S("y z") "'/>");
	check("<title>PWD=/root SHELL=/bin/sh</title>");
	check("<cmdline>netcfg/wireless_wpa=" S("x") " netcfg/wireless_wep=" S("y") " psk=" S("z")
	      " netcfg/wireless_essid=e</cmdline>");
}

static void test_one_argument(void **state)
{
	(void)state;
	char *shown = gpupt_redact_argument("-device", "host,x-password=abc,,d,on");
	assert_string_equal(shown, "host,x-password=" GPUPT_REDACTED ",on");
	free(shown);
	shown = gpupt_redact_argument("", "");
	assert_string_equal(shown, "");
	free(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_graphics),
		cmocka_unit_test(test_disk_source),
		cmocka_unit_test(test_references_stay),
		cmocka_unit_test(test_behind_urls),
		cmocka_unit_test(test_launch_security),
		cmocka_unit_test(test_sysinfo),
		cmocka_unit_test(test_qemu_commandline),
		cmocka_unit_test(test_kernel_and_init),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_private_keys),
		cmocka_unit_test(test_yaml),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_one_argument),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_not_well_formed),
		cmocka_unit_test(test_line_ends_and_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
