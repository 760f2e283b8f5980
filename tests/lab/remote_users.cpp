// SPDX-License-Identifier: GPL-2.0-only OR MIT
// remote_users NAME: has one of Linux's own users of remote coverage work for this thread,
// and prints the PCs of what it executed, one a line. NAME: usb, vhost, bluetooth, nfc,
// wireless (takes the interface "wlan0", up).
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/nfc.h>
#include <linux/usb/raw_gadget.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <kcov/device.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

void check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

int open_device(const char* path) {
  const int fd = open(path, O_RDWR);
  check(fd >= 0, path);
  return fd;
}

// A device is plugged in: the hub's work, and its interrupt's.
void usb() {
  const int fd = open_device("/dev/raw-gadget");
  usb_raw_init init{};
  std::strcpy(reinterpret_cast<char*>(init.driver_name), "dummy_udc");
  std::strcpy(reinterpret_cast<char*>(init.device_name), "dummy_udc.0");
  init.speed = 3;  // USB_SPEED_HIGH
  check(ioctl(fd, USB_RAW_IOCTL_INIT, &init) == 0, "USB_RAW_IOCTL_INIT");
  check(ioctl(fd, USB_RAW_IOCTL_RUN, 0) == 0, "USB_RAW_IOCTL_RUN");
  sleep(1);
  close(fd);  // unplugged: the hub's work on it, one section, comes to its end
}

// The owner's worker is flushed when the device is closed.
void vhost() {
  // VHOST_SET_OWNER; <linux/vhost.h> is not C++.
  constexpr unsigned long kSetOwner = _IO(0xaf, 1);
  const int fd = open_device("/dev/vhost-net");
  check(ioctl(fd, kSetOwner, nullptr) == 0, "VHOST_SET_OWNER");
  close(fd);
}

// A controller appears, is reset by the kernel, and answers.
void bluetooth() {
  const int fd = open_device("/dev/vhci");
  const std::uint8_t create[] = {0xff, 0};
  check(write(fd, create, sizeof create) == sizeof create, "creating a controller");
  const std::uint8_t reset[] = {1, 0x03, 0x0c, 0};
  pollfd waiting{fd, POLLIN, 0};
  for (bool asked = false; !asked;) {
    check(poll(&waiting, 1, 20000) == 1, "waiting for the controller's reset");
    std::uint8_t packet[256];
    const ssize_t size = read(fd, packet, sizeof packet);
    asked = size == sizeof reset && std::memcmp(packet, reset, sizeof reset) == 0;
  }
  const std::uint8_t done[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};
  check(write(fd, done, sizeof done) == sizeof done, "answering");
}

// One request by generic netlink: `attributes` as they stand in the message.
std::vector<std::uint8_t> netlink(int fd, std::uint16_t family, std::uint8_t command,
                                  const std::vector<std::uint8_t>& attributes) {
  std::vector<std::uint8_t> message(NLMSG_LENGTH(GENL_HDRLEN) + attributes.size());
  std::copy(attributes.begin(), attributes.end(), &message[NLMSG_LENGTH(GENL_HDRLEN)]);
  auto* const header = reinterpret_cast<nlmsghdr*>(message.data());
  header->nlmsg_len = static_cast<std::uint32_t>(message.size());
  header->nlmsg_type = family;
  header->nlmsg_flags = NLM_F_REQUEST;
  auto* const generic = static_cast<genlmsghdr*>(NLMSG_DATA(header));
  generic->cmd = command;
  generic->version = 1;
  check(send(fd, message.data(), message.size(), 0) == static_cast<ssize_t>(message.size()),
        "netlink");
  message.resize(8192);
  if (family == GENL_ID_CTRL) recv(fd, message.data(), message.size(), 0);
  return message;
}

std::vector<std::uint8_t> attribute(std::uint16_t type, const void* value, std::uint16_t bytes) {
  const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + bytes), type};
  std::vector<std::uint8_t> result(NLA_HDRLEN + NLA_ALIGN(bytes));
  std::memcpy(result.data(), &header, sizeof header);
  std::memcpy(result.data() + NLA_HDRLEN, value, bytes);
  return result;
}

// A controller is brought up: the kernel's commands to it.
void nfc() {
  open_device("/dev/virtual_nci");
  const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
  check(fd >= 0, "a netlink socket");
  const std::vector<std::uint8_t> answer =
      netlink(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, "nfc", 4));
  std::uint16_t family = 0;
  for (std::size_t at = NLMSG_LENGTH(GENL_HDRLEN); family == 0 && at < 100;) {
    nlattr header;
    std::memcpy(&header, &answer[at], sizeof header);
    check(header.nla_len >= NLA_HDRLEN, "finding the netlink family");
    if (header.nla_type == CTRL_ATTR_FAMILY_ID)
      std::memcpy(&family, &answer[at + NLA_HDRLEN], sizeof family);
    at += NLA_ALIGN(header.nla_len);
  }
  const std::uint32_t device = 0;
  // Returns when the controller has answered, or after seconds without an answer: its
  // answer here is none.
  netlink(fd, family, NFC_CMD_DEV_UP, attribute(NFC_ATTR_DEVICE_INDEX, &device, sizeof device));
}

// A frame to all stations, which the simulator hands to the other radio.
void wireless() {
  const int fd = socket(AF_PACKET, SOCK_DGRAM, 0);
  check(fd >= 0, "a packet socket");
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = 0xb588;  // 0x88b5, for experiments
  to.sll_ifindex = static_cast<int>(if_nametoindex("wlan0"));
  to.sll_halen = 6;
  std::memset(to.sll_addr, 0xff, 6);
  const char data[64] = "hello";
  for (int i = 0; i < 10; ++i) {
    check(sendto(fd, data, sizeof data, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) ==
              sizeof data,
          "sending on wlan0");
    usleep(10000);
  }
}

struct User {
  const char* name;
  void (*work)();
};
constexpr User kUsers[] = {
    {"usb", usb}, {"vhost", vhost}, {"bluetooth", bluetooth}, {"nfc", nfc}, {"wireless", wireless},
};

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc == 2 ? argv[1] : "";
  constexpr std::uint32_t kWords = 1 << 20;
  kcov::Device device;
  kcov::Buffer buffer;
  check(!device.open() && !device.initialize(kWords) && !device.map(buffer), kcov::kDevicePath);
  std::vector<std::uint64_t> buses;
  for (std::uint32_t bus = 1; bus <= 16; ++bus)
    buses.push_back(kcov_remote_handle(KCOV_SUBSYSTEM_USB, bus));
  check(!device.enable_remote(kcov::Mode::pcs, kWords / 4, buses,
                              kcov_remote_handle(KCOV_SUBSYSTEM_COMMON, 1)),
        "KCOV_REMOTE_ENABLE");
  buffer.reset();
  const User* chosen = nullptr;
  for (const User& user : kUsers) {
    if (name == user.name) chosen = &user;
  }
  check(chosen != nullptr, "remote_users usb|vhost|bluetooth|nfc|wireless");
  chosen->work();
  sleep(2);  // what it has begun goes on elsewhere
  check(!device.disable(), "KCOV_DISABLE");
  for (const std::uint64_t pc : buffer.pcs())
    std::printf("0x%llx\n", static_cast<unsigned long long>(pc));
}
