using System.IO.Compression;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

public class InstallationTests(TemplatePackage package)
{
    private static readonly string[] Options =
    [
        "--store", "--security-headers", "--telemetry", "--razor-runtime-compilation",
        "--no-https", "--no-tests", "--no-restore", "-f, --framework",
    ];

    [Fact]
    public void The_package_installs_without_a_complaint()
    {
        Assert.Contains("comet-app", package.Installation, StringComparison.Ordinal);
        Assert.DoesNotContain("[Warning]", package.Installation, StringComparison.Ordinal);
        Assert.DoesNotContain("[Error]", package.Installation, StringComparison.Ordinal);
        Assert.DoesNotContain("constraints are not met", package.Installation, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_list_shows_both_templates()
    {
        var list = await package.NewAsync(package.CreateFolder(), "list", "comet");

        Assert.Contains(" comet-app ", list, StringComparison.Ordinal);
        Assert.Contains(" comet-feed ", list, StringComparison.Ordinal);
    }

    [Fact]
    public void The_package_has_no_rubbish_and_a_readme_and_an_icon()
    {
        using var zip = ZipFile.OpenRead(package.File);
        var entries = zip.Entries.Select(entry => entry.FullName).ToList();

        Assert.Contains("README.md", entries);
        Assert.Contains("icon.png", entries);
        Assert.Contains("content/.editorconfig", entries);
        Assert.Contains("content/.gitignore", entries);
        Assert.DoesNotContain(entries, entry =>
            entry.Contains("/bin/", StringComparison.Ordinal) || entry.Contains("/obj/", StringComparison.Ordinal));
        Assert.DoesNotContain(entries, entry => entry.EndsWith(".dll", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_help_tells_all_options_but_the_ports()
    {
        var help = await package.NewAsync(package.CreateFolder(), "comet-app", "-h");

        Assert.All(Options, option => Assert.Contains(option, help, StringComparison.Ordinal));
        Assert.Contains("dotnet new comet-app -n", help, StringComparison.Ordinal);
        Assert.DoesNotContain("kestrel", help, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task Without_an_output_folder_the_app_gets_one_of_its_own()
    {
        var folder = package.CreateFolder();

        await package.NewAsync(folder, "comet-app", "-n", "MyApp", "--no-restore");

        Assert.Equal(["MyApp"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName));
        Assert.True(File.Exists(Path.Combine(folder, "MyApp", "MyApp.slnx")));
    }

    [Fact]
    public async Task An_unknown_store_is_refused_and_nothing_is_written()
    {
        var folder = package.CreateFolder();

        var (code, output) = await package.TryNewAsync(folder, "comet-app", "-n", "MyApp", "--store", "postgres");

        Assert.NotEqual(0, code);
        Assert.Contains("'postgres' is not a valid value for --store", output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Theory]
    [Trait("Category", "Matrix")]
    [InlineData("a;b")]
    [InlineData("50%")]
    [InlineData("a$(b)")]
    [InlineData(".NET")]
    [InlineData("App.")]
    [InlineData("NUL")]
    [InlineData("con.Feed")]
    [InlineData("Contoso.Applications.Of.A.Department.That.Calls.Everything.By.Its.Full.Name.And.Then.By.Some.More.Of.It")]
    public async Task A_name_that_no_project_can_have_is_refused_with_the_reason_and_nothing_is_written(string name)
    {
        var folder = package.CreateFolder();

        var output = await package.NewAsync(folder, "comet-app", "-n", name, "-o", folder);

        Assert.Contains("Not every system can build a project of this name, and nothing was written.", output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task What_was_generated_is_restored()
    {
        var folder = package.CreateFolder();

        var output = await package.NewAsync(folder, "comet-app", "-n", "MyApp", "-o", folder, "--no-tests");

        Assert.Contains("Restore succeeded.", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder, "src", "MyApp", "obj", "project.assets.json")));
    }
}
