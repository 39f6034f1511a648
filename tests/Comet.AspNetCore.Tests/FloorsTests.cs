using System.Text.RegularExpressions;

namespace Comet.AspNetCore.Tests;

/// <summary>The library's folders stand on floors: a file uses what its own floor and those below declare, and nothing above.</summary>
public partial class FloorsTests
{
    private static readonly string[] HighestFirst =
        ["Hosting", "Results", "Feeds", "Connections", "Transport", "Formats", "Stores", "Diagnostics", "Options"];

    [Fact]
    public void Every_folder_is_a_floor() => Assert.Equal(
        HighestFirst.Order(),
        Directory.GetDirectories(Library()).Where(folder => SourcesOf(folder).Length > 0).Select(Path.GetFileName).Order());

    [Fact]
    public void Arrows_between_floors_go_down_only()
    {
        var files = HighestFirst
            .SelectMany((floor, height) => SourcesOf(Path.Combine(Library(), floor)).Select(path => (floor, height, path)))
            .Select(file => (
                Floor: file.floor,
                Height: file.height, // counted from the top
                Name: Path.GetFileName(file.path),
                Code: NotCode().Replace(File.ReadAllText(file.path), "")))
            .ToList();
        // By name, as public types of all floors share a namespace. A name that two floors declare would hide an arrow, so there is none.
        var declarations = files
            .SelectMany(file => Declaration().Matches(file.Code).Select(type => (Type: type.Groups["name"].Value, file.Floor, file.Height)))
            .Distinct()
            .ToDictionary(declared => declared.Type);
        Assert.NotEmpty(declarations);

        var arrowsUp = files.SelectMany(file => Identifier().Matches(file.Code)
            .Select(identifier => identifier.Value)
            .Distinct()
            .Where(identifier => declarations.TryGetValue(identifier, out var declared) && declared.Height < file.Height)
            .Select(identifier => $"{file.Floor}/{file.Name} -> {declarations[identifier].Floor} ({identifier})"));
        var namespacesUp = files.SelectMany(file => HighestFirst[..file.Height]
            .Where(floor => Regex.IsMatch(file.Code, $@"(?<![.\w])(Comet\.AspNetCore\.)?{floor}[.;]"))
            .Select(floor => $"{file.Floor}/{file.Name} -> {floor} (namespace)"));
        var up = arrowsUp.Concat(namespacesUp).Order().ToList();

        Assert.True(up.Count == 0, $"Arrows that go up:\n{string.Join('\n', up)}");
    }

    // The tests run somewhere below the root of the repository.
    private static string Library()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var library = Path.Combine(folder.FullName, "src", "Comet.AspNetCore");
            if (Directory.Exists(library))
            {
                return library;
            }
        }
        throw new DirectoryNotFoundException($"There is no src/Comet.AspNetCore above {AppContext.BaseDirectory}.");
    }

    private static string[] SourcesOf(string folder) =>
        Path.GetFileName(folder) is "bin" or "obj" ? [] : Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories);

    // Nested types are indented, and known to their own type only.
    [GeneratedRegex(@"^(?:\w+ )*(?:class|struct|record|record struct|interface|enum) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    // A type, and not a member of that name: no dot precedes it.
    [GeneratedRegex(@"(?<![.\w])[A-Z]\w*")]
    private static partial Regex Identifier();

    // Comments, raw strings, strings and characters.
    [GeneratedRegex(""""//.*|"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)'"""")]
    private static partial Regex NotCode();
}
