using Comet.AspNetCore.Testing.Browsers;

namespace Comet.AspNetCore.Testing.Tests.Browsers;

public class BrowserSearchTests
{
    private readonly HashSet<string> _starting = [];
    private readonly List<string> _installed = [];

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

        Assert.StartsWith("COMET_BROWSER is '/chosen', where no browser starts", error.Message, StringComparison.Ordinal);
        Assert.Empty(_installed);
    }

    [Fact]
    public void The_first_that_starts_is_taken_and_nothing_installed()
    {
        _starting.Add("/system");

        Assert.Equal("/system", Find());
        Assert.Empty(_installed);
    }

    [Theory]
    [InlineData("download", "/playwright", new[] { "download" })]
    [InlineData("package", "/system", new[] { "download", "package" })]
    public void Where_there_is_none_one_way_after_another_is_tried_until_a_browser_starts(string working, string found, string[] tried)
    {
        Assert.Equal(found, Find(working: working));
        Assert.Equal(tried, _installed);
    }

    [Fact]
    public void Where_all_fails_one_sentence_says_what_to_do()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Find());

        Assert.Contains("install Chrome, Edge or Chromium, or set COMET_BROWSER to", error.Message, StringComparison.Ordinal);
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

    private string Find(string? chosen = null, string? working = null)
    {
        return BrowserSearch.Find(
            chosen,
            ["/playwright", "/system"],
            [() => Install("download", "/playwright"), () => Install("package", "/system")],
            _starting.Contains);

        void Install(string way, string path)
        {
            _installed.Add(way);
            if (way == working)
            {
                _starting.Add(path);
            }
        }
    }
}
