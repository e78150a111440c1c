#include <coord/admin.h>
#include <coord/client.h>

#include <iostream>
#include <memory>

// program.c again, in C++11 and as one writes there: what is owned is freed by its scope.

namespace
{

constexpr uint32_t timeout_ms = 300;

template <typename T> using owned = std::unique_ptr<T, void (*)(T *)>;

void say(const char *what, const coord_error &error)
{
    std::cout << what << ": " << coord_code_name(error.code) << ": " << error.message << "\n";
}

void call(coord_client *client)
{
    coord_error error;
    coord_result *result = nullptr;
    coord_status *status = nullptr;
    if (coord_get(client, "/greeting", nullptr, &result, &error) != COORD_OK) {
        say("get", error);
    }
    owned<coord_result> result_owner(result, coord_result_free);
    if (coord_admin_status(client, nullptr, nullptr, &status, &error) != COORD_OK) {
        say("status", error);
    }
    owned<coord_status> status_owner(status, coord_status_free);
}

} // namespace

int main(int argc, char **argv)
{
    coord_error error;
    coord_client *client = nullptr;
    owned<coord_options> options(coord_options_create(), coord_options_free);
    if (argc != 5 || options == nullptr) {
        return 2;
    }
    if (coord_options_set_endpoints(options.get(), "nowhere", &error) != COORD_OK) {
        say("endpoints", error);
    }
    if (coord_options_set_endpoints(options.get(), argv[1], &error) == COORD_OK &&
        coord_options_set_tls_files(options.get(), argv[2], argv[3], argv[4], &error) == COORD_OK &&
        coord_options_set_timeout_ms(options.get(), timeout_ms, &error) == COORD_OK &&
        coord_client_create(options.get(), &client, &error) == COORD_OK) {
        owned<coord_client> client_owner(client, coord_client_close);
        call(client);
    } else {
        say("client", error);
    }
    return 0;
}
