using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>An app restores with nothing published anywhere, and whatever else the user's NuGet knows.</summary>
[Trait("Category", "Matrix")]
public class RestoreTests(TemplatePackage package)
{
    [Fact]
    public async Task A_clone_of_an_app_builds_where_the_library_was_never_seen_and_a_second_source_brings_no_warning()
    {
        var app = await package.CreateAppAsync("Small", "--no-tests");
        await using var source = await EmptyPackageSource.StartAsync();
        await ConfigureAsync(app, "packageSources", $"{source.Url}/index.json");
        // In a repository and under a user's rules that ignore what most repositories should not hold.
        var repository = Path.GetDirectoryName(app.Folder)!;
        var usersRules = Path.Combine(package.CreateFolder(), "ignore");
        await File.WriteAllTextAsync(usersRules, "*.nupkg\n**/[Pp]ackages/*\n");
        await File.WriteAllTextAsync(Path.Combine(repository, ".gitignore"), "*.nupkg\npackages/\n");
        await GitAsync(repository, "init");
        await GitAsync(repository, "config", "core.excludesFile", usersRules);
        await GitAsync(repository, "add", "--all");
        await GitAsync(repository, "-c", "user.name=Owner", "-c", "user.email=owner@example.com", "commit", "-m", "Generated");
        var clone = Path.Combine(package.CreateFolder(), "clone");
        await GitAsync(repository, "clone", repository, clone);

        var output = await Tool.DotnetAsync(
            Path.Combine(clone, "Small"), [("NUGET_PACKAGES", package.CreateFolder())], "build", "-warnaserror");

        Assert.Contains("0 Warning(s)", output, StringComparison.Ordinal);
        Assert.True(source.Requests > 0, "The second source was not asked.");
    }

    [Fact]
    public async Task An_audit_source_that_does_not_answer_breaks_no_build()
    {
        var app = await package.CreateAppAsync("Small", "--no-tests");
        await ConfigureAsync(app, "auditSources", "http://127.0.0.1:1/index.json");

        // All of a build that NuGet has a part in, without the compiler.
        var output = await Tool.DotnetAsync(app.ProjectFolder, "build", "-t:ResolvePackageAssets");

        Assert.Contains("warning NU1900", output, StringComparison.Ordinal);
    }

    private static Task ConfigureAsync(GeneratedApp app, string section, string url) =>
        File.WriteAllTextAsync(Path.Combine(app.Folder, "nuget.config"), $"""
            <configuration>
              <{section}>
                <add key="another" value="{url}" allowInsecureConnections="true" />
              </{section}>
            </configuration>
            """);

    private static async Task GitAsync(string folder, params string[] arguments)
    {
        var (code, output) = await Tool.RunAsync(folder, "git", arguments);
        Assert.True(code == 0, output);
    }
}
