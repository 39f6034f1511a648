using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>What <c>dotnet pack CometTemplate.csproj</c> gives.</summary>
[Trait("Category", "Matrix")]
public class PackTests(TemplatePackage package)
{
    // NuGet takes what it has in its cache for the same id and version, whatever the file holds.
    [Fact]
    public async Task Each_pack_has_a_version_of_its_own()
    {
        var next = await Tool.DotnetAsync(TemplatePackage.Repository, "msbuild", "CometTemplate.csproj", "-getProperty:PackageVersion");

        Assert.Matches(@"^\d+\.\d+\.\d+-dev\.\d{14}$", package.Version);
        Assert.Matches(@"^\d+\.\d+\.\d+-dev\.\d{14}$", next.Trim());
        Assert.True(string.CompareOrdinal(package.Version, next.Trim()) < 0, next);
        Assert.Equal(Names(package.Version), package.Library.Append(package.File).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_version_that_is_given_is_that_of_all_packages_and_of_the_apps_and_takes_the_place_of_the_one_before()
    {
        var folder = package.CreateFolder();
        foreach (var file in package.Library.Append(package.File))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        await Tool.DotnetAsync(TemplatePackage.Repository, "pack", "CometTemplate.csproj", "-o", folder, "-p:Version=1.2.3-given");

        Assert.Equal(Names("1.2.3-given"), Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var template = ZipFile.OpenRead(Path.Combine(folder, "CometTemplate.1.2.3-given.nupkg"));
        Assert.Equal("1.2.3-given", Read(template, "content/Directory.Build.props").Descendants("CometVersion").Single().Value);
        var packed = template.Entries.Where(entry => entry.FullName.StartsWith("content/packages/", StringComparison.Ordinal));
        Assert.Equal(Names("1.2.3-given")[..^1], packed.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        using var sqlite = ZipFile.OpenRead(Path.Combine(folder, "Comet.AspNetCore.Sqlite.1.2.3-given.nupkg"));
        var library = Read(sqlite, "Comet.AspNetCore.Sqlite.nuspec").Descendants()
            .Single(element => element.Name.LocalName == "dependency" && element.Attribute("id")!.Value == "Comet.AspNetCore");
        Assert.Equal("1.2.3-given", library.Attribute("version")!.Value);
    }

    [Fact]
    public void Every_package_says_what_it_is()
    {
        Assert.All(package.Library.Append(package.File), file =>
        {
            using var zip = ZipFile.OpenRead(file);
            var entries = zip.Entries.Select(entry => entry.FullName).ToList();
            Assert.Contains("README.md", entries);
            Assert.Contains("icon.png", entries);
            var nuspec = Read(zip, entries.Single(entry => entry.EndsWith(".nuspec", StringComparison.Ordinal)));
            string Of(string name) => nuspec.Descendants().Single(element => element.Name.LocalName == name).Value;
            Assert.Equal(("MIT", "README.md", "icon.png"), (Of("license"), Of("readme"), Of("icon")));
            Assert.NotEmpty(Of("description"));
            Assert.NotEmpty(Of("tags"));
        });
    }

    [Fact]
    public void Every_library_has_its_symbols_in_it()
    {
        Assert.All(package.Library, file =>
        {
            using var zip = ZipFile.OpenRead(file);
            var library = zip.Entries.Single(entry =>
                entry.FullName.StartsWith("lib/", StringComparison.Ordinal) && entry.Name.EndsWith(".dll", StringComparison.Ordinal));
            using var assembly = new MemoryStream();
            using (var stream = library.Open())
            {
                stream.CopyTo(assembly);
            }
            assembly.Position = 0;
            using var reader = new PEReader(assembly);
            Assert.Contains(reader.ReadDebugDirectory(), entry => entry.Type == DebugDirectoryEntryType.EmbeddedPortablePdb);
        });
    }

    [Fact]
    public async Task Every_package_names_the_repository_that_it_was_packed_from()
    {
        // A folder, which a clone of a clone has as its remote, is no address that a package could name.
        var (_, remotes) = await Tool.RunAsync(TemplatePackage.Repository, "git", "remote", "-v");
        Assert.SkipUnless(remotes.Contains("://", StringComparison.Ordinal), "This clone has no remote that a package could name.");

        Assert.All(package.Library.Append(package.File), file =>
        {
            using var zip = ZipFile.OpenRead(file);
            var nuspec = Read(zip, zip.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).FullName);
            var repository = nuspec.Descendants().Single(element => element.Name.LocalName == "repository");
            Assert.Equal("git", repository.Attribute("type")!.Value);
            Assert.NotEmpty(repository.Attribute("url")!.Value);
        });
    }

    private static XDocument Read(ZipArchive zip, string entry)
    {
        using var stream = zip.GetEntry(entry)!.Open();
        return XDocument.Load(stream);
    }

    private static string[] Names(string version) =>
    [
        $"Comet.AspNetCore.{version}.nupkg", $"Comet.AspNetCore.RabbitMQ.{version}.nupkg", $"Comet.AspNetCore.Sqlite.{version}.nupkg",
        $"Comet.AspNetCore.Testing.{version}.nupkg", $"CometTemplate.{version}.nupkg",
    ];
}
