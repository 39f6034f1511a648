using Comet.AspNetCore.Testing.Browsers;

namespace Comet.AspNetCore.Testing.Tests.Browsers;

public class BrowserSearchTests
{
    private const string WhatToDo =
        "There is no browser for the tests, and none could be installed: install Chrome, Edge or Chromium, " +
        "or set COMET_BROWSER to the path of one, or, on Debian and Ubuntu and as root, " +
        "set COMET_INSTALL_BROWSER to 1 to let apt-get install one.";

    private readonly HashSet<string> _starting = [];
    private readonly List<string> _installed = [];
    private bool _downloadLacksLibraries;

    [Fact]
    public void The_chosen_browser_comes_before_all_others()
    {
        _starting.UnionWith(["/chosen", "/playwright", "/system"]);

        Assert.Equal("/chosen", Find("/chosen"));
    }

    [Fact]
    public void A_choice_that_does_not_start_is_an_error_even_where_others_would()
    {
        _starting.Add("/system");

        var error = Assert.Throws<InvalidOperationException>(() => Find("/chosen"));

        Assert.Equal(
            "COMET_BROWSER is '/chosen', where no browser starts: set it to the path of a Chrome, Edge, Chromium or Firefox, or unset it.",
            error.Message);
        Assert.Empty(_installed);
    }

    [Fact]
    public void The_first_that_starts_is_taken_and_nothing_installed()
    {
        _starting.Add("/system");

        Assert.Equal("/system", Find());
        Assert.Empty(_installed);
    }

    [Fact]
    public void Where_there_is_none_Playwright_downloads_one()
    {
        Assert.Equal("/playwright", Find(download: "/playwright"));
        Assert.Equal(["download"], _installed);
    }

    [Fact]
    public void Where_the_download_fails_a_package_is_installed()
    {
        Assert.Equal("/system", Find(package: "/system"));
        Assert.Equal(["download", "package"], _installed);
    }

    [Fact]
    public void A_download_that_does_not_start_gets_what_it_lacks_from_packages()
    {
        _downloadLacksLibraries = true;

        Assert.Equal("/playwright", Find(download: "/playwright", package: "/playwright"));
        Assert.Equal(["download", "package"], _installed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("true")]
    public void Without_the_users_leave_no_package_is_installed(string? install)
    {
        var error = Assert.Throws<InvalidOperationException>(() => Find(install: install, package: "/system"));

        Assert.Equal(WhatToDo, error.Message);
        Assert.Equal(["download"], _installed);
    }

    // Where there is no apt-get, the installation of a package does nothing.
    [Fact]
    public void Where_all_fails_one_sentence_says_what_to_do()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Find());

        Assert.Equal(WhatToDo, error.Message);
        Assert.Equal(["download", "package"], _installed);
    }

    [Fact]
    public void What_is_no_program_does_not_start()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux is asked to start it.");
        var machine = new BrowserMachine("");

        Assert.False(machine.Starts(Path.Combine(AppContext.BaseDirectory, "nothing-here")));
        Assert.False(machine.Starts(Path.Combine(AppContext.BaseDirectory, "Comet.AspNetCore.Testing.Tests.runtimeconfig.json")));
        Assert.True(machine.Starts("/bin/ls"));
    }

    private string Find(string? chosen = null, string? install = "1", string? download = null, string? package = null)
    {
        return BrowserSearch.Find(
            chosen,
            install,
            ["/playwright", "/system"],
            () => Install("download", _downloadLacksLibraries ? null : download),
            () => Install("package", package),
            _starting.Contains);

        void Install(string way, string? path)
        {
            _installed.Add(way);
            if (path is not null)
            {
                _starting.Add(path);
            }
        }
    }
}
