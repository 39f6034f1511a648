using System.Text.RegularExpressions;

namespace Comet.TestUtilities;

/// <summary>The folders of a project in src/ as floors: a file uses what its own floor and the floors below declare, no more.</summary>
/// <param name="project">The project's name, which is also its root namespace.</param>
/// <param name="highestFirst">The floors' folders.</param>
public sealed partial class SourceFloors(string project, params string[] highestFirst)
{
    private readonly string _directory = Find(project);

    public IEnumerable<string> Names => highestFirst;

    /// <summary>The folders that hold source files.</summary>
    public IEnumerable<string> Folders => Directory.GetDirectories(_directory)
        .Where(folder => SourcesOf(folder).Length > 0)
        .Select(folder => Path.GetFileName(folder));

    /// <summary>The uses of a higher floor, each as <c>floor/file -> higher floor (what it uses)</c>.</summary>
    public IEnumerable<string> ArrowsUp()
    {
        var files = highestFirst
            .SelectMany((floor, height) => SourcesOf(Path.Combine(_directory, floor)).Select(path => (
                Floor: floor,
                Height: height,
                Name: Path.GetFileName(path),
                Code: NotCode().Replace(File.ReadAllText(path), ""))))
            .ToList();
        // By name, as public types of all floors share a namespace. A name that two floors declare would hide an arrow, so it throws.
        var declarations = files
            .SelectMany(file => Declaration().Matches(file.Code).Select(type => (Type: type.Groups["name"].Value, file.Floor, file.Height)))
            .Distinct()
            .ToDictionary(declared => declared.Type);
        Assert.NotEmpty(declarations);

        var types = files.SelectMany(file => Identifier().Matches(file.Code)
            .Select(identifier => identifier.Value)
            .Distinct()
            .Where(identifier => declarations.TryGetValue(identifier, out var declared) && declared.Height < file.Height)
            .Select(identifier => $"{file.Floor}/{file.Name} -> {declarations[identifier].Floor} ({identifier})"));
        var usings = files.SelectMany(file => highestFirst[..file.Height]
            .Where(floor => file.Code.Contains($"using {project}.{floor};", StringComparison.Ordinal))
            .Select(floor => $"{file.Floor}/{file.Name} -> {floor} (using)"));
        return types.Concat(usings).Order();
    }

    /// <summary>The folders, of whatever depth, with files in whose code a pattern is found.</summary>
    public IEnumerable<string> FoldersWith(string pattern) => highestFirst
        .SelectMany(floor => SourcesOf(Path.Combine(_directory, floor)))
        .Where(path => Regex.IsMatch(NotCode().Replace(File.ReadAllText(path), ""), pattern))
        .Select(path => Path.GetFileName(Path.GetDirectoryName(path)!))
        .Distinct();

    // The tests are built somewhere below the root of the repository.
    private static string Find(string project)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var source = Path.Combine(folder.FullName, "src", project);
            if (Directory.Exists(source))
            {
                return source;
            }
        }
        throw new DirectoryNotFoundException($"There is no src/{project} above {AppContext.BaseDirectory}.");
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
