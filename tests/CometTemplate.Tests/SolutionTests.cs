using System.Xml.Linq;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

public class SolutionTests
{
    [Theory]
    [InlineData(".", "CometTemplate.slnx")]
    [InlineData("content", "CometApp.slnx")]
    public async Task The_solution_holds_every_project(string folder, string solution)
    {
        folder = Path.Combine(TemplatePackage.Repository, folder);
        var (code, tracked) = await Tool.RunAsync(folder, "git", "ls-files", "*.csproj");
        Assert.Equal(0, code);

        var projects = XDocument.Load(Path.Combine(folder, solution))
            .Descendants("Project").Select(project => project.Attribute("Path")!.Value);
        Assert.Equal(
            tracked.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            projects.Order(StringComparer.Ordinal));
    }
}
